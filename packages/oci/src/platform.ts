/** A platform as image indexes name it (OCI image spec, `image-index.md`). */
export interface Platform {
  os: string;
  architecture: string;
  variant?: string;
  "os.version"?: string;
  "os.features"?: string[];
}

const architectureNames: Record<string, { architecture: string; variant?: string }> = {
  x86_64: { architecture: "amd64" },
  "x86-64": { architecture: "amd64" },
  i386: { architecture: "386" },
  i486: { architecture: "386" },
  i586: { architecture: "386" },
  i686: { architecture: "386" },
  x86: { architecture: "386" },
  aarch64: { architecture: "arm64" },
  armhf: { architecture: "arm", variant: "v7" },
  armel: { architecture: "arm", variant: "v6" },
};

const knownSystems = new Set([
  "linux",
  "windows",
  "darwin",
  "freebsd",
  "netbsd",
  "openbsd",
  "dragonfly",
  "solaris",
  "illumos",
  "android",
  "plan9",
  "aix",
  "wasip1",
  "wasi",
]);

const knownArchitectures = new Set([
  "386",
  "amd64",
  "arm",
  "arm64",
  "loong64",
  "mips",
  "mipsle",
  "mips64",
  "mips64le",
  "ppc64",
  "ppc64le",
  "riscv64",
  "s390x",
  "sparc64",
  "wasm",
]);

const componentPattern = /^[A-Za-z0-9_.-]+$/;

/** The text cannot name a platform. The message is the one Docker gives. */
export class InvalidPlatformError extends Error {
  constructor(reason: string) {
    super(`${reason}: invalid argument`);
    this.name = "InvalidPlatformError";
  }
}

/** The platform of this machine, from Node's names for it. */
export function platformOfHost(host: { platform: string; arch: string }): Platform {
  const architecture = { x64: "amd64", ia32: "386" }[host.arch] ?? host.arch;
  return normalisePlatform({ os: host.platform === "win32" ? "windows" : host.platform, architecture });
}

/** Parses `os`, `arch`, `os/arch` or `os/arch/variant`; what is left out comes from `host`. */
export function parsePlatform(text: string, host: Platform): Platform {
  const parts = text.split("/");
  const bad = parts.find((part) => !componentPattern.test(part));
  if (bad !== undefined) {
    const rule = `platform specifier component must match ${JSON.stringify(componentPattern.source)}`;
    throw new InvalidPlatformError(`${JSON.stringify(bad)} is an invalid component of ${JSON.stringify(text)}: ${rule}`);
  }
  const [first = "", second, third] = parts.map((part) => part.toLowerCase());
  if (parts.length === 1) {
    if (knownSystems.has(first))
      return normalisePlatform({ os: first, architecture: host.architecture, ...(host.variant && { variant: host.variant }) });
    const platform = normalisePlatform({ os: host.os, architecture: first });
    if (!knownArchitectures.has(platform.architecture))
      throw new InvalidPlatformError(`"${text}": unknown operating system or architecture`);
    return platform;
  }
  if (parts.length > 3 || second === undefined) throw new InvalidPlatformError(`"${text}": cannot parse platform specifier`);
  return normalisePlatform({ os: first, architecture: second, ...(third !== undefined && { variant: third }) });
}

/** One spelling per platform: `x86_64` is amd64, arm64 is v8 and says so by having no variant, plain arm is v7. */
export function normalisePlatform(platform: Platform): Platform {
  const os = platform.os.toLowerCase() === "macos" ? "darwin" : platform.os.toLowerCase();
  const known = architectureNames[platform.architecture.toLowerCase()];
  const architecture = known?.architecture ?? platform.architecture.toLowerCase();
  let variant = platform.variant?.toLowerCase() || known?.variant;
  if (architecture === "arm64" && (variant === "8" || variant === "v8")) variant = undefined;
  if (architecture === "amd64" && variant === "v1") variant = undefined;
  if (architecture === "arm") variant = variant === undefined ? "v7" : variant.startsWith("v") ? variant : `v${variant}`;
  const version = platform["os.version"];
  return { os, architecture, ...(variant !== undefined && { variant }), ...(version && { "os.version": version }) };
}

/** `linux/amd64`, `linux/arm64/v8`: as Docker prints a platform it looked for. */
export function formatPlatform(platform: Platform): string {
  const { os, architecture, variant } = normalisePlatform(platform);
  const shown = variant ?? (architecture === "arm64" ? "v8" : undefined);
  return [os, architecture, ...(shown === undefined ? [] : [shown])].join("/");
}

/**
 * How well a machine of platform `wanted` runs what was built for `offered`: 0 is exact, bigger is worse, undefined is
 * not at all. Lower variants of the same architecture run too, and arm64 machines run 32-bit arm where nothing better is offered.
 */
export function platformDistance(wanted: Platform, offered: Platform): number | undefined {
  const machine = normalisePlatform(wanted);
  const image = normalisePlatform(offered);
  if (machine.os !== image.os) return undefined;
  if (machine.architecture === image.architecture) return variantDistance(machine, image);
  if (machine.architecture === "arm64" && image.architecture === "arm") {
    const distance = variantDistance({ os: machine.os, architecture: "arm", variant: "v8" }, image);
    return distance === undefined ? undefined : 100 + distance;
  }
  return undefined;
}

function variantDistance(machine: Platform, image: Platform): number | undefined {
  const implied = { arm64: 8, amd64: 1, arm: 7 }[machine.architecture];
  if (implied === undefined) return (machine.variant ?? "") === (image.variant ?? "") ? 0 : undefined;
  const own = variantNumber(machine.variant, implied);
  const offered = variantNumber(image.variant, implied);
  if (own === undefined || offered === undefined) return machine.variant === image.variant ? 0 : undefined;
  return offered <= own ? own - offered : undefined;
}

function variantNumber(variant: string | undefined, implied: number): number | undefined {
  if (variant === undefined) return implied;
  const match = /^v(\d+)(?:\.(\d+))?$/.exec(variant);
  return match ? Number(match[1]) + Number(match[2] ?? 0) / 10 : undefined;
}

/** The items that run on `wanted`, best first; equals keep their order. */
export function sortByPlatform<T>(items: readonly T[], wanted: Platform, platformOf: (item: T) => Platform | undefined): T[] {
  const ranked: { item: T; distance: number }[] = [];
  for (const item of items) {
    const platform = platformOf(item);
    const distance = platform === undefined ? undefined : platformDistance(wanted, platform);
    if (distance !== undefined) ranked.push({ item, distance });
  }
  return ranked.sort((a, b) => a.distance - b.distance).map(({ item }) => item);
}
