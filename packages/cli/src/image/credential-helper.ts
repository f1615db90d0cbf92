import type { AuthConfig } from "@pouchcontainer/api";
import { CliError } from "../cli-error.ts";
import type { ClientConfig } from "../client-config.ts";
import type { CliContext } from "../context.ts";

/** What a helper calls the user when the secret is a token of the registry's. */
const tokenUser = "<token>";

/** The program `docker-credential-<name>` that keeps logins outside of the configuration, in its protocol: one verb, then JSON or a server's name. */
export class CredentialHelper {
  readonly #program: string;
  readonly #env: CliContext["env"];

  constructor(name: string, env: CliContext["env"]) {
    this.#program = `docker-credential-${name}`;
    this.#env = env;
  }

  /** The login of a server. A helper that knows nothing answers with an exit status. */
  get(server: string): AuthConfig | undefined {
    try {
      const answer: unknown = JSON.parse(this.#run("get", server));
      if (typeof answer !== "object" || answer === null || !("Username" in answer) || !("Secret" in answer)) return undefined;
      const secret = String(answer.Secret);
      return answer.Username === tokenUser
        ? { identitytoken: secret, serveraddress: server }
        : { username: String(answer.Username), password: secret, serveraddress: server };
    } catch {
      return undefined; // no login for this registry, which many need none for
    }
  }

  store(server: string, { username, password, identitytoken }: AuthConfig): void {
    const [user, secret] = identitytoken ? [tokenUser, identitytoken] : [username, password];
    this.#must("store", server, JSON.stringify({ ServerURL: server, Username: user, Secret: secret }));
  }

  erase(server: string): void {
    this.#must("erase", server, server);
  }

  #must(verb: "store" | "erase", server: string, input: string): void {
    try {
      this.#run(verb, input);
    } catch (error) {
      const { code, status, stdout } = error as { code?: unknown; status?: unknown; stdout?: unknown };
      const said = typeof stdout === "string" ? stdout.trim() : "";
      const why = code === "ENOENT" ? "there is no such program in PATH" : said || `it ended with ${String(status ?? code)}`;
      throw new CliError(`${this.#program} cannot ${verb} the login of ${server}: ${why}`, {
        hint: "The client's config.json names it, in credsStore or credHelpers.",
      });
    }
  }

  #run(verb: string, input: string): string {
    // Loaded when there is a helper: most have none.
    const { spawnSync } = process.getBuiltinModule("node:child_process");
    const { error, status, stdout } = spawnSync(this.#program, [verb], {
      input,
      encoding: "utf8",
      env: { ...this.#env },
      stdio: ["pipe", "pipe", "ignore"],
    });
    // One that does not read its input to the end is judged by its exit status alone.
    if (error !== undefined && !("code" in error && error.code === "EPIPE")) throw error;
    if (status !== 0) throw Object.assign(new Error(`${this.#program} ended with ${status}`), { status, stdout });
    return stdout;
  }
}

/** Who keeps the login of a server; absent when it is the configuration itself. */
export function helperFor(
  { credHelpers, credsStore }: ClientConfig,
  server: string,
  env: CliContext["env"],
): CredentialHelper | undefined {
  const name = credHelpers?.[server] ?? credsStore;
  return name === undefined || name === "" ? undefined : new CredentialHelper(name, env);
}
