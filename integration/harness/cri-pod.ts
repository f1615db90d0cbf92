import assert from "node:assert/strict";
import type { MessageInitShape, MessageShape } from "@bufbuild/protobuf";
import { join } from "node:path";
import {
  ContainerState,
  type ContainerConfigSchema,
  type PodSandboxConfigSchema,
} from "../../packages/cri/src/gen/runtime_v1_pb.ts";
import type { CriClients } from "../../packages/cri/src/testing/cri-clients.ts";
import { apiVersions, type ApiVersion } from "../../packages/cri/src/wire/services.ts";
import { eventually, type Daemon } from "./daemon.ts";

export type ContainerInit = Exclude<MessageInitShape<typeof ContainerConfigSchema>, MessageShape<typeof ContainerConfigSchema>>;
type PodInit = Exclude<MessageInitShape<typeof PodSandboxConfigSchema>, MessageShape<typeof PodSandboxConfigSchema>>;

let sequence = 0;

/** A pod of a test, and what a kubelet does with it. */
export class CriPod {
  readonly id: string;
  readonly config: PodInit;
  readonly client: ReturnType<CriClients["runtime"]>;

  static async run(
    daemon: Daemon,
    clients: CriClients,
    more: PodInit = {},
    version: ApiVersion = apiVersions[0],
  ): Promise<CriPod> {
    const name = `pod${sequence++}`;
    const config: PodInit = {
      metadata: { name, namespace: "tests", uid: `uid-${name}` },
      logDirectory: join(daemon.directory, "pod-logs", name),
      hostname: name,
      linux: { cgroupParent: `/${daemon.cgroupParent}/${name}`, securityContext: { namespaceOptions: { pid: 1 } } },
      ...more,
    };
    const client = clients.runtime(version);
    const { podSandboxId } = await client.runPodSandbox({ config });
    return new CriPod(podSandboxId, config, client);
  }

  private constructor(id: string, config: PodInit, client: ReturnType<CriClients["runtime"]>) {
    this.id = id;
    this.config = config;
    this.client = client;
  }

  async create(config: ContainerInit): Promise<string> {
    const whole = { metadata: { name: `c${sequence++}` }, image: { image: "busybox" }, ...config };
    const request = { podSandboxId: this.id, config: whole, sandboxConfig: this.config };
    return (await this.client.createContainer(request)).containerId;
  }

  /** Runs a script; `more` is what else is asked of the container. */
  async start(script: string, more: ContainerInit = {}): Promise<string> {
    const containerId = await this.create({ command: ["sh", "-c", script], ...more });
    await this.client.startContainer({ containerId });
    return containerId;
  }

  async status(containerId: string) {
    const { status } = await this.client.containerStatus({ containerId });
    assert.ok(status);
    return status;
  }

  async ended(containerId: string) {
    return await eventually("the container ends", async () => {
      const status = await this.status(containerId);
      return status.state === ContainerState.CONTAINER_EXITED && status;
    });
  }

  /** What a command in a container says. */
  async say(containerId: string, ...cmd: string[]): Promise<string> {
    const { stdout, stderr, exitCode } = await this.client.execSync({ containerId, cmd, timeout: 20n });
    assert.equal(exitCode, 0, Buffer.from(stderr).toString());
    return Buffer.from(stdout).toString();
  }

  async remove(): Promise<void> {
    await this.client.removePodSandbox({ podSandboxId: this.id });
  }
}
