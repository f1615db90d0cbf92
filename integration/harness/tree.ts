import { execFileSync } from "node:child_process";

/** Makes in a folder what file systems allow and programs forget. Python, since its names are bytes and it knows attributes. */
const makeOddTree = String.raw`
import os, struct, sys
os.chdir(sys.argv[1]); os.umask(0)
def put(name, data=b"x", mode=0o644, uid=0, gid=0, time=1234567890):
    with open(name, "wb") as f: f.write(data)
    os.chown(name, uid, gid); os.chmod(name, mode); os.utime(name, (time, time))
put("plain", b"content"); put("empty", b"")
put(b"a\xff\xfeb", b"one"); put(b"a\xfe\xffb", b"other"); put(b"\xe9", b"latin"); put("träger")
put("new\nline"); put(" blank "); put("back\\slash*?[x]"); put("-rf"); put("n" * 255)
put("setuid", b"s", 0o4755, 3000000, 3000001); put("setgid", b"s", 0o2755, 5, 70000); put("top", b"s", 0o644, 4294967294, 4294967294)
put("old", time=-5); put("far", time=9000000000); put("none", mode=0)
with open("holes", "wb") as f:
    f.truncate(40000000); f.seek(10000000); f.write(b"here"); f.seek(30000000); f.write(b"there")
os.utime("holes", (7, 7))
os.link("plain", "zlinked"); os.symlink("plain", "link"); os.symlink("/etc/passwd", "absolute"); os.symlink("nowhere", "dangling")
os.symlink("../../../../../etc/group", "up"); os.symlink("t" * 3000, "long link"); os.symlink(b"\xff\xfe", b"link\xff")
os.utime("link", (99, 99), follow_symlinks=False); os.lchown("link", 12, 13)
os.mkfifo("fifo", 0o640); os.mknod("null", 0o20666, os.makedev(1, 3)); os.mknod("loop", 0o60660, os.makedev(7, 300))
put("cap", b"c", 0o755); os.setxattr("cap", "security.capability", struct.pack("<IIIII", 0x02000001, 1 << 13, 0, 0, 0))
put("attributes"); os.setxattr("attributes", "user.note", b"a\0b\nc\xff")
acl = struct.pack("<I", 2) + b"".join(struct.pack("<HHI", *e) for e in [(1, 6, 0xffffffff), (2, 6, 1000), (4, 4, 0xffffffff), (16, 6, 0xffffffff), (32, 4, 0xffffffff)])
put("acl"); os.setxattr("acl", "system.posix_acl_access", acl)
os.mkdir("shared", 0o2775); os.setxattr("shared", "system.posix_acl_default", acl); put("shared/inside", mode=0o600)
os.mkdir("locked", 0o500); put("locked/file"); os.mkdir("sticky", 0o1777); os.mkdir(b"folder\xff"); put(b"folder\xff/f\xfe")
deep = "deep"
for level in range(300): os.mkdir(deep); deep += "/d"
put("deep" + "/d" * 299 + "/bottom")
for folder, dirs, files in os.walk(b".", topdown=False): os.utime(folder, (1000000000, 1000000000))
`;

/** A line for each path below a folder: everything of it that has to come out the same. */
const describeTree = String.raw`
import hashlib, os, stat, sys
os.chdir(sys.argv[1])
first = {}
def line(path):
    s = os.lstat(path); kind = stat.S_IFMT(s.st_mode)
    what = [path.hex(), oct(s.st_mode), s.st_uid, s.st_gid, int(s.st_mtime // 1)]
    if stat.S_ISREG(kind):
        what += [s.st_size, hashlib.md5(open(path, "rb").read()).hexdigest()]
        if s.st_nlink > 1: what.append("as " + first.setdefault(s.st_ino, path).hex())
    if stat.S_ISLNK(kind): what.append(os.readlink(path).hex())
    if stat.S_ISCHR(kind) or stat.S_ISBLK(kind): what.append(s.st_rdev)
    for name in sorted(os.listxattr(path, follow_symlinks=False)):
        if not name.startswith("trusted."): what.append(name + "=" + os.getxattr(path, name, follow_symlinks=False).hex())
    print(*what)
def walk(folder):
    line(folder)
    for name in sorted(os.listdir(folder)):
        path = folder + b"/" + name
        if stat.S_ISDIR(os.lstat(path).st_mode): walk(path)
        else: line(path)
sys.setrecursionlimit(10000)
walk(b".")
`;

const python = (script: string, folder: string): string =>
  execFileSync("python3", ["-c", script, folder], { encoding: "utf8", maxBuffer: 1 << 26 });

export function fillWithOddities(folder: string): void {
  python(makeOddTree, folder);
}

export function treeLines(folder: string): string[] {
  return python(describeTree, folder).trimEnd().split("\n");
}

/** Lines that are in one of two lists only. */
export function differences(found: readonly string[], expected: readonly string[]): string[] {
  const [one, other] = [new Set(found), new Set(expected)];
  return [
    ...found.filter((line) => !other.has(line)),
    ...expected.filter((line) => !one.has(line)).map((line) => `missing: ${line}`),
  ];
}
