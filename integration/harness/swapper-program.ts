/**
 * The attacker of the tests: a static program of a few dozen instructions that exchanges the paths it is given, pair by pair,
 * in a loop without end (`renameat2(2)`, RENAME_EXCHANGE). It is put together here, since the machines that run the tests
 * need no compiler, and busybox has no exchange.
 */
export function swapperProgram(): Buffer {
  if (process.arch !== "x64") throw new Error(`the swapper is written for x64, this machine is ${process.arch}`);
  const code = Buffer.from(instructions.flat());
  const start = elfHeaderBytes + programHeaderBytes;
  const program = Buffer.alloc(start);
  program.set([0x7f, 0x45, 0x4c, 0x46, /* 64 bits */ 2, /* little endian */ 1, /* version */ 1]);
  program.writeUInt16LE(2, 16); // e_type: ET_EXEC
  program.writeUInt16LE(62, 18); // e_machine: EM_X86_64
  program.writeUInt32LE(1, 20); // e_version
  program.writeBigUInt64LE(loadAddress + BigInt(start), 24); // e_entry
  program.writeBigUInt64LE(BigInt(elfHeaderBytes), 32); // e_phoff
  program.writeUInt16LE(elfHeaderBytes, 52); // e_ehsize
  program.writeUInt16LE(programHeaderBytes, 54); // e_phentsize
  program.writeUInt16LE(1, 56); // e_phnum
  const size = BigInt(start + code.length);
  program.writeUInt32LE(1, 64); // p_type: PT_LOAD
  program.writeUInt32LE(5, 68); // p_flags: read and execute
  program.writeBigUInt64LE(loadAddress, 80); // p_vaddr
  program.writeBigUInt64LE(loadAddress, 88); // p_paddr
  program.writeBigUInt64LE(size, 96); // p_filesz
  program.writeBigUInt64LE(size, 104); // p_memsz
  program.writeBigUInt64LE(4096n, 112); // p_align
  return Buffer.concat([program, code]);
}

const elfHeaderBytes = 64;
const programHeaderBytes = 56;
const loadAddress = 0x400000n;

const instructions = [
  [0x4c, 0x8d, 0x6c, 0x24, 0x10], //             lea  r13, [rsp+16]     the first argument
  [0x4d, 0x89, 0xee], //                  again: mov  r14, r13
  [0x49, 0x8b, 0x36], //                  next:  mov  rsi, [r14]        old path
  [0x48, 0x85, 0xf6], //                         test rsi, rsi
  [0x74, 0xf5], //                               jz   again
  [0x4d, 0x8b, 0x56, 0x08], //                   mov  r10, [r14+8]      new path
  [0x4d, 0x85, 0xd2], //                         test r10, r10
  [0x74, 0xec], //                               jz   again
  [0x48, 0xc7, 0xc7, 0x9c, 0xff, 0xff, 0xff], // mov  rdi, -100         AT_FDCWD
  [0x48, 0xc7, 0xc2, 0x9c, 0xff, 0xff, 0xff], // mov  rdx, -100
  [0x41, 0xb8, 0x02, 0x00, 0x00, 0x00], //       mov  r8d, 2            RENAME_EXCHANGE
  [0xb8, 0x3c, 0x01, 0x00, 0x00], //             mov  eax, 316          renameat2
  [0x0f, 0x05], //                               syscall
  [0x49, 0x83, 0xc6, 0x10], //                   add  r14, 16           the next pair
  [0xeb, 0xce], //                               jmp  next
];
