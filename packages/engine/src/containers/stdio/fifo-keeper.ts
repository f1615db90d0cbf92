import { startProgram } from "@pouchcontainer/owners";
import { closeSync, constants, openSync, rmSync, writeSync } from "node:fs";
import { join } from "node:path";

/**
 * Holds the reading end of every output FIFO open in a process of its own. A pipe's bytes are gone when nobody has it open:
 * without this, the last output of a container that exits while the daemon is dead would be lost.
 *
 * The process is bash (descriptors above 9 are beyond POSIX shells), told what to hold over a FIFO. It opens each pipe for
 * reading only, so that the end of the output is still seen; it leaves when it holds nothing and its daemon is gone. A FIFO
 * that is held already is held anew: it may be another one of the same name, which a daemon that was killed never released.
 */
const script = `
declare -A held
daemon=
# Their containers are gone, and whoever took them away knew nothing of a daemon's FIFOs that was killed before.
forget_gone() {
  local gone reader
  for gone in "\${!held[@]}"; do
    if [[ ! -p $gone ]]; then reader=\${held[$gone]}; exec {reader}<&-; unset "held[$gone]"; fi
  done
}
while :; do
  if read -r -t 20 -u 3 op path; then
    case $op in
      p) daemon=$path
         forget_gone ;;
      +) if [[ -p $path ]]; then
           before=\${held[$path]}
           exec {both}<>"$path" {reader}<"$path" {both}<&-
           held[$path]=$reader
           if [[ -n $before ]]; then exec {before}<&-; fi
         fi ;;
      -) reader=\${held[$path]}
         if [[ -n $reader ]]; then exec {reader}<&-; unset "held[$path]"; fi ;;
      q) forget_gone
         if [[ \${#held[@]} -eq 0 ]]; then exit 0; fi ;;
    esac
  elif [[ \${#held[@]} -eq 0 && ! -d /proc/$daemon ]]; then
    exit 0
  fi
done
`;

export interface FifoKeeperDeps {
  makeFifo(path: string): Promise<void>;
  /** Folder of the control FIFO. */
  directory: string;
  /** Told when there is no keeper to be had: output written while the daemon is dead can then be lost. */
  onUnavailable: (error: unknown) => void;
}

export class FifoKeeper {
  readonly #deps: FifoKeeperDeps;
  readonly #control: string;
  readonly #held = new Set<string>();
  #fd: number | undefined;
  #unavailable = false;
  /** One line at a time: two callers must not start two keepers. */
  #turn: Promise<void> = Promise.resolve();

  constructor(deps: FifoKeeperDeps) {
    this.#deps = deps;
    this.#control = join(deps.directory, "keeper");
  }

  /** Keeps the FIFO's bytes from now on until `release`. */
  async hold(path: string): Promise<void> {
    this.#held.add(path);
    await this.#tell(`+ ${path}`);
  }

  async release(path: string): Promise<void> {
    if (this.#held.delete(path)) await this.#tell(`- ${path}`);
  }

  /** The daemon leaves: the keeper stays only for containers that run on. */
  close(): void {
    // One that an earlier daemon started may be there though this daemon never had anything to hold.
    this.#fd ??= this.#openRunning();
    // That nobody reads closes it.
    if (!this.#send("q") || this.#fd === undefined) return;
    closeSync(this.#fd);
    this.#fd = undefined;
  }

  #tell(line: string): Promise<void> {
    return (this.#turn = this.#turn.then(() => this.#deliver(line)));
  }

  async #deliver(line: string): Promise<void> {
    if (this.#unavailable) return;
    try {
      if (this.#fd === undefined) await this.#connect();
      if (this.#send(line)) return;
      await this.#connect();
      // A new keeper knows nothing: it is told of everything that is held.
      for (const path of this.#held) this.#send(`+ ${path}`);
    } catch (error) {
      this.#unavailable = true;
      this.#deps.onUnavailable(error);
    }
  }

  /** False when nobody reads. Lines are far below PIPE_BUF: written whole or not at all. */
  #send(line: string): boolean {
    if (this.#fd === undefined) return false;
    try {
      writeSync(this.#fd, `${line}\n`);
      return true;
    } catch {
      closeSync(this.#fd);
      this.#fd = undefined;
      return false;
    }
  }

  /** Finds the keeper an earlier daemon started, or starts one. */
  async #connect(): Promise<void> {
    this.#fd = this.#openRunning();
    if (this.#fd === undefined) {
      rmSync(this.#control, { force: true });
      await this.#deps.makeFifo(this.#control);
      await this.#start();
      this.#fd = this.#openRunning();
    }
    this.#send(`p ${process.pid}`);
  }

  #openRunning(): number | undefined {
    try {
      return openSync(this.#control, constants.O_WRONLY | constants.O_NONBLOCK);
    } catch {
      // ENXIO: nobody reads; ENOENT: there never was one.
      return undefined;
    }
  }

  async #start(): Promise<void> {
    const control = openSync(this.#control, constants.O_RDWR | constants.O_NONBLOCK);
    try {
      // Blocking for bash: it opens the FIFO anew, since O_NONBLOCK belongs to the open file we hand over.
      const keeper = startProgram("bash", ["-c", `exec 3<>"$1"\n${script}`, "pouch-fifo-keeper", this.#control], {
        stdio: ["ignore", "ignore", "ignore", control],
        cwd: "/",
        env: { PATH: process.env["PATH"] ?? "/usr/bin:/bin" },
        packageName: "bash",
      });
      await keeper.started;
      keeper.unref();
      this.#fd = undefined;
    } finally {
      // The child has inherited it: the FIFO has a reader from the first moment.
      closeSync(control);
    }
  }
}
