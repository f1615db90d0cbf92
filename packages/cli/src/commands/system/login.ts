import { spawnSync } from "node:child_process";
import type { AuthConfig, AuthResponse } from "@pouchcontainer/api";
import { readClientConfig, writeClientConfig } from "../../client-config.ts";
import type { StoredLogin } from "../../client-config.ts";
import { CliError } from "../../cli-error.ts";
import { defineCommand, maxArgs } from "../../command.ts";
import { readLine } from "../../confirm.ts";
import type { CliContext } from "../../context.ts";
import { bool, text } from "../../flags/flag-types.ts";
import { helperFor } from "../../image/credential-helper.ts";
import { hubServer, serverOf } from "../../image/credentials.ts";

export const command = defineCommand({
  usage: "[OPTIONS] [SERVER]",
  args: maxArgs(1),
  flags: {
    password: text("Password or access token", { short: "p" }),
    "password-stdin": bool("Take the password or access token from stdin"),
    username: text("Username", { short: "u" }),
  },
  examples: [
    { does: "Log in to a registry; asks for name and password", run: "pouch login registry.example.com" },
    { does: "In a script", run: "pouch login -u robot --password-stdin registry.example.com < token" },
  ],
  async run(context, { flags, args }) {
    if (flags.password !== undefined && flags["password-stdin"])
      throw new CliError("--password and --password-stdin are mutually exclusive");
    if (flags["password-stdin"] && flags.username === undefined)
      throw new CliError("Must provide --username with --password-stdin");
    const server = args[0] === undefined ? hubServer : serverOf(args[0].replace(/^https?:\/\//, "").replace(/\/$/, ""));
    if (flags.password !== undefined)
      context.err.write("WARNING! Using --password via the CLI is insecure. Use --password-stdin.\n");
    const username = flags.username ?? (await ask(context, "Username: "));
    const password =
      flags.password ?? (flags["password-stdin"] ? await readAll(context) : await askSecret(context, "Password: "));
    if (username === "" || password === "") throw new CliError("username and password must not be empty");

    const engine = await context.engine();
    const auth: AuthConfig = { username, password, serveraddress: server };
    const { Status, IdentityToken } = await engine.postJson<AuthResponse>("/auth", { json: auth });
    const login: AuthConfig = IdentityToken ? { username, identitytoken: IdentityToken } : { username, password };
    const config = readClientConfig(context.configFolder);
    const helper = helperFor(config, server, context.env);
    helper?.store(server, login);
    // What a helper keeps leaves its server's name here, as with docker's client.
    const stored = helper === undefined ? storedLogin(login) : {};
    writeClientConfig(context.configFolder, { ...config, auths: { ...config.auths, [server]: stored } });
    context.out.write(`${Status || "Login Succeeded"}\n`);
  },
});

function storedLogin({ username = "", password = "", identitytoken }: AuthConfig): StoredLogin {
  const auth = Buffer.from(`${username}:${password}`).toString("base64");
  return identitytoken === undefined ? { auth } : { auth, identitytoken };
}

async function ask(context: CliContext, question: string): Promise<string> {
  context.out.write(question);
  return (await readLine(context)).trim();
}

/** Reads a line that is not shown while it is typed. */
async function askSecret(context: CliContext, question: string): Promise<string> {
  if (!context.stdin().isTTY)
    throw new CliError("Cannot perform an interactive login from a non TTY device", { hint: "Use --password-stdin." });
  const echo = (mode: string): void => void spawnSync("stty", [mode], { stdio: ["inherit", "ignore", "ignore"] });
  const undo = context.onExit(() => echo("echo"));
  echo("-echo");
  try {
    return (await ask(context, question)).replace(/\r$/, "");
  } finally {
    echo("echo");
    undo();
    context.out.write("\n");
  }
}

async function readAll(context: CliContext): Promise<string> {
  let all = "";
  for await (const chunk of context.stdin()) all += String(chunk);
  return all.replace(/\r?\n$/, "");
}
