import { endpoints } from "@pouchcontainer/api";
import { invalidArgument } from "@pouchcontainer/errors";
import { isBelow } from "../api-version.ts";
import type { ExecBackend } from "../backend.ts";
import { readBody, type Calls } from "../call.ts";
import type { Lifetime } from "../lifetime.ts";
import { sendEmpty } from "../respond.ts";
import { takeOverConnection } from "../take-over-connection.ts";
import { refOf } from "./ref.ts";

/** Further processes in containers. */
export function execHandlers(calls: Calls, exec: ExecBackend, lifetime: Lifetime) {
  return {
    ContainerExec: calls.answer(endpoints.ContainerExec, (call, config) => {
      if (!config.Cmd || config.Cmd.length === 0) throw invalidArgument("No exec command specified");
      if (isBelow(call.version, "1.42")) delete config.ConsoleSize;
      return exec.create(refOf(call), config);
    }),

    ExecStart: calls.takeOver(endpoints.ExecStart, async (call) => {
      const { Detach = false, Tty = false, ConsoleSize } = await readBody(call);
      const id = refOf(call);
      const [height, width] = isBelow(call.version, "1.42") ? [] : (ConsoleSize ?? []);
      const size = height && width ? { consoleSize: { width, height } } : {};
      if (Detach) {
        await exec.startDetached(id, size);
        return sendEmpty(call.response, 200);
      }
      await exec.admit(id);
      // Whether there are frames is the client's word, whatever the process writes to.
      await takeOverConnection(call, lifetime, { raw: Tty, serverHeaders: true, open: () => exec.start(id, size) });
    }),

    ExecResize: calls.answer(endpoints.ExecResize, (call) =>
      exec.resize(refOf(call), { width: call.query.w, height: call.query.h }),
    ),

    ExecInspect: calls.answer(endpoints.ExecInspect, (call) => exec.inspect(refOf(call))),
  };
}
