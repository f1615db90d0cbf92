import type { CliHost, GlobalValues } from "./cli.ts";
import type { EngineClient } from "./client/engine-client.ts";
import type { CliContext } from "./context.ts";
import { fileOutput } from "./output/output.ts";
import type { WindowSize } from "./output/output.ts";

/** The real process as the command line sees it. Nothing is opened before it is used. */
export function processHost(process: NodeJS.Process): CliHost {
  const out = fileOutput(
    1,
    terminalOf(1, () => process.stdout),
  );
  const err = fileOutput(
    2,
    terminalOf(2, () => process.stderr),
  );
  return { out, err, contextFor: (globals) => contextOf(process, globals, { out, err }) };
}

/** Facts about the terminal behind a descriptor, looked up when they are asked for: `node:tty` brings all of `node:net` with it. */
function terminalOf(fd: number, stream: () => NodeJS.WriteStream): { isTTY: () => boolean; size: () => WindowSize | undefined } {
  const isTTY = (): boolean => process.getBuiltinModule("node:tty").isatty(fd);
  return {
    isTTY,
    size() {
      if (!isTTY()) return undefined;
      const { columns, rows } = stream();
      return columns > 0 ? { width: columns, height: rows } : undefined;
    },
  };
}

function contextOf(process: NodeJS.Process, globals: GlobalValues, outputs: Pick<CliContext, "out" | "err">): CliContext {
  const { env } = process;
  const configFolder = globals.config ?? env["POUCH_CONFIG"] ?? `${env["HOME"] ?? "/root"}/.pouch`;
  let engine: Promise<EngineClient> | undefined;
  return {
    env,
    ...outputs,
    configFolder,
    debug: globals.debug,
    stdin: () => process.stdin,
    now: () => Date.now(),
    engine: () => (engine ??= connect(globals, env, configFolder)),
    onResize(resized) {
      process.on("SIGWINCH", resized);
      return () => void process.off("SIGWINCH", resized);
    },
    onSignal(signal, received) {
      process.on(signal, received);
      return () => void process.off(signal, received);
    },
    onExit(last) {
      process.on("exit", last);
      return () => void process.off("exit", last);
    },
    onInterrupt(stop) {
      const signals: NodeJS.Signals[] = ["SIGINT", "SIGTERM", "SIGHUP"];
      for (const signal of signals) process.on(signal, stop);
      return () => {
        for (const signal of signals) process.off(signal, stop);
      };
    },
  };
}

async function connect(globals: GlobalValues, env: NodeJS.ProcessEnv, configFolder: string): Promise<EngineClient> {
  const [{ EngineClient }, { parseHost }] = await Promise.all([
    import("./client/engine-client.ts"),
    import("./client/host-address.ts"),
  ]);
  const address = parseHost(globals.host ?? env["POUCH_HOST"] ?? env["DOCKER_HOST"] ?? "unix:///var/run/pouchd.sock");
  const verify = globals.tlsverify || (env["POUCH_TLS_VERIFY"] ?? env["DOCKER_TLS_VERIFY"] ?? "") !== "";
  const folder = env["POUCH_CERT_PATH"] ?? env["DOCKER_CERT_PATH"] ?? configFolder;
  const tls =
    globals.tls || verify
      ? {
          verify,
          caFile: globals.tlscacert ?? `${folder}/ca.pem`,
          certFile: globals.tlscert ?? `${folder}/cert.pem`,
          keyFile: globals.tlskey ?? `${folder}/key.pem`,
        }
      : undefined;
  const pinnedVersion = env["POUCH_API_VERSION"] ?? env["DOCKER_API_VERSION"];
  return new EngineClient({
    address,
    ...(tls === undefined ? {} : { tls }),
    ...(pinnedVersion === undefined ? {} : { pinnedVersion }),
  });
}
