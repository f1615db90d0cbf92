import { fromBinary } from "@bufbuild/protobuf";
import { TypeUrl, messageNameOf, packJson, plainAny } from "../any.ts";
import { ProcessDetailsSchema } from "../gen/runc_options_pb.ts";
import type { Process, ProcessInfo } from "../gen/task_types_pb.ts";
import { Status } from "../gen/task_types_pb.ts";
import { Tasks } from "../gen/tasks_pb.ts";
import type { TaskExit, TaskState, TaskStatus, TasksService } from "../types.ts";
import type { CallContext } from "./call-context.ts";
import { callOptions, deadlines } from "./call-context.ts";
import { dateOf, requiredDate } from "./conversions.ts";

export function tasksService({ channel }: CallContext): TasksService {
  const rpc = Tasks.method;
  return {
    async create({ stdio, ...request }, options) {
      const { pid } = await channel.unary(rpc.create, { ...request, ...stdio }, callOptions(options));
      return pid;
    },
    async start(containerId, execId = "", options) {
      const { pid } = await channel.unary(rpc.start, { containerId, execId }, callOptions(options));
      return pid;
    },
    async delete(containerId, options) {
      return exitOf(await channel.unary(rpc.delete, { containerId }, callOptions(options)));
    },
    async deleteProcess(containerId, execId, options) {
      return exitOf(await channel.unary(rpc.deleteProcess, { containerId, execId }, callOptions(options)));
    },
    async get(containerId, execId = "", options) {
      const { process } = await channel.unary(rpc.get, { containerId, execId }, callOptions(options));
      return stateOf(process, { containerId, execId });
    },
    async list(options) {
      const { tasks } = await channel.unary(rpc.list, {}, callOptions(options));
      return tasks.map((process) => stateOf(process, { containerId: process.id, execId: "" }));
    },
    async kill(containerId, { signal, execId = "", all = false }, options) {
      await channel.unary(rpc.kill, { containerId, execId, signal, all }, callOptions(options));
    },
    async exec({ process, stdio, ...request }, options) {
      await channel.unary(rpc.exec, { ...request, ...stdio, spec: packJson(TypeUrl.process, process) }, callOptions(options));
    },
    async resizePty(containerId, execId = "", size, options) {
      await channel.unary(rpc.resizePty, { containerId, execId, ...size }, callOptions(options));
    },
    async closeIO(containerId, execId = "", options) {
      await channel.unary(rpc.closeIO, { containerId, execId, stdin: true }, callOptions(options));
    },
    async pause(containerId, options) {
      await channel.unary(rpc.pause, { containerId }, callOptions(options));
    },
    async resume(containerId, options) {
      await channel.unary(rpc.resume, { containerId }, callOptions(options));
    },
    async listPids(containerId, options) {
      const { processes } = await channel.unary(rpc.listPids, { containerId }, callOptions(options));
      return processes.map(pidOf);
    },
    async update(containerId, resources, options) {
      const packed = packJson(TypeUrl.linuxResources, resources);
      await channel.unary(rpc.update, { containerId, resources: packed }, callOptions(options));
    },
    async metrics(containerIds, options) {
      const filters = containerIds.map((id) => `id==${JSON.stringify(id)}`);
      const { metrics } = await channel.unary(rpc.metrics, { filters }, callOptions(options));
      return metrics.flatMap(({ id, timestamp, data }) =>
        data === undefined ? [] : [{ id, timestamp: requiredDate(timestamp), data: plainAny(data) }],
      );
    },
    async wait(containerId, execId = "", options) {
      return exitOf(await channel.unary(rpc.wait, { containerId, execId }, callOptions(options, deadlines.none)));
    },
  };
}

const statusNames: Record<number, TaskStatus> = {
  [Status.CREATED]: "created",
  [Status.RUNNING]: "running",
  [Status.STOPPED]: "stopped",
  [Status.PAUSED]: "paused",
  [Status.PAUSING]: "pausing",
};

function stateOf(process: Process | undefined, asked: { containerId: string; execId: string }): TaskState {
  const exitedAt = dateOf(process?.exitedAt);
  return {
    ...asked,
    pid: process?.pid ?? 0,
    status: statusNames[process?.status ?? Status.UNKNOWN] ?? "unknown",
    exitStatus: process?.exitStatus ?? 0,
    ...(exitedAt === undefined ? {} : { exitedAt }),
    stdin: process?.stdin ?? "",
    stdout: process?.stdout ?? "",
    stderr: process?.stderr ?? "",
    terminal: process?.terminal ?? false,
  };
}

function exitOf(answer: { exitStatus: number; exitedAt?: Parameters<typeof dateOf>[0] }): TaskExit {
  return { exitStatus: answer.exitStatus, exitedAt: requiredDate(answer.exitedAt) };
}

function pidOf({ pid, info }: ProcessInfo): { pid: number; execId?: string } {
  if (info === undefined || messageNameOf(info) !== ProcessDetailsSchema.typeName) return { pid };
  return { pid, execId: fromBinary(ProcessDetailsSchema, info.value).execId };
}
