/** Linux' device numbers, as stat(2) and mknod(2) have them: eight bits of the minor, twelve of the major, the minor's rest. */

export function deviceOf(number: number): { major: number; minor: number } {
  return {
    major: Math.floor(number / 2 ** 8) & 0xfff,
    minor: (number & 0xff) + (Math.floor(number / 2 ** 12) & 0xfff00),
  };
}

export function deviceNumber({ major, minor }: { major: number; minor: number }): bigint {
  return BigInt(minor & 0xff) | (BigInt(major & 0xfff) << 8n) | (BigInt(minor & 0xfff00) << 12n);
}
