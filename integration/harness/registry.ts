import { spawn, type ChildProcess } from "node:child_process";
import { appendFileSync, mkdirSync, mkdtempSync, openSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { eventually } from "./daemon.ts";
import { freePort } from "./free-port.ts";

export interface RegistryOptions {
  /** Only this user may ask it, by this bcrypt hash of his password; default: everybody. */
  htpasswd?: string;
}

/** Of the name and password that a registry may ask for, what `htpasswd` makes: ann, secret. */
export const annSecret = "ann:$2b$04$.n5taPdMRiUXLTkh2YEAC.W/HME.oq1qOqIYSt7YDFMzB.apH0u1i";

/** Debian's docker-registry on a free loopback port, with a storage folder of its own. */
export class Registry {
  readonly port: number;
  readonly #directory: string;
  readonly #process: ChildProcess;

  static async start(options: RegistryOptions = {}): Promise<Registry> {
    const registry = new Registry(await freePort(), options);
    await eventually("the registry answers", async () => {
      const answer = await fetch(`http://127.0.0.1:${registry.port}/v2/`).catch(() => undefined);
      return answer?.ok === true || answer?.status === 401;
    });
    return registry;
  }

  private constructor(port: number, { htpasswd }: RegistryOptions) {
    this.port = port;
    this.#directory = mkdtempSync(join(tmpdir(), "pouch-registry-"));
    const config = join(this.#directory, "config.yml");
    const log = openSync(join(this.#directory, "log"), "w");
    writeFileSync(
      config,
      `version: 0.1\nlog: { level: warn }\nstorage: { filesystem: { rootdirectory: "${this.#directory}/data" }, delete: { enabled: true } }\nhttp: { addr: "127.0.0.1:${port}" }\n`,
    );
    if (htpasswd !== undefined) {
      const file = join(this.#directory, "htpasswd");
      writeFileSync(file, `${htpasswd}\n`);
      appendFileSync(config, `auth: { htpasswd: { realm: test, path: "${file}" } }\n`);
    }
    this.#process = spawn("docker-registry", ["serve", config], { stdio: ["ignore", log, log] });
  }

  /** `127.0.0.1:PORT`. */
  get host(): string {
    return `127.0.0.1:${this.port}`;
  }

  /** Writes a hosts.toml that makes this registry the mirror of another host, over plain HTTP. */
  mirror(certsDirectory: string, host: string): void {
    mkdirSync(join(certsDirectory, host), { recursive: true });
    const toml = `server = "https://${host}"\n\n[host."http://${this.host}"]\n  capabilities = ["pull", "resolve"]\n`;
    writeFileSync(join(certsDirectory, host, "hosts.toml"), toml);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const exited = new Promise((resolve) => this.#process.once("exit", resolve));
    this.#process.kill("SIGTERM");
    await exited;
    rmSync(this.#directory, { recursive: true, force: true });
  }
}
