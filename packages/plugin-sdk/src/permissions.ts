import type { PointName } from "./points.ts";

/** What a plugin asks to be allowed besides reading what passes its points and refusing it. What it does not ask for it may not. */
export interface PluginPermissions {
  /**
   * Fields that it may change, by the point whose body they are in: names with dots between, as Docker has them (`HostConfig.Memory`), of
   * a variable `Env.NAME`, of a label `Labels.KEY`. `*` stands for any run of characters without a dot, at the end of a pattern for the rest
   * of the name. Who may change a field may change all below it; a list other than variables is one field.
   */
  fields?: Partial<Record<PointName, string[]>>;
  /** `add`, `wrap`, `replace` or `remove`, then `METHOD /path`, in which `*` stands for any run of characters. Who may replace may wrap. */
  routes?: string[];
  /** Hand out hooks, which are run on the host. Default: false. */
  hooks?: boolean;
  /** Start assistant processes. Default: false. */
  assistants?: boolean;
  /** Work on files of a container at `container.postUpdate`. Default: false. */
  rootfs?: boolean;
  /** Have images unpacked for another snapshotter. Default: false. */
  unpack?: boolean;
  /** Of an installed plugin: run in the host's network, and not in a namespace with nothing but `lo` in it. Default: false. */
  network?: boolean;
}

/** The permissions that are there or not. */
export type PermissionFlag = {
  [K in keyof PluginPermissions]-?: PluginPermissions[K] extends boolean | undefined ? K : never;
}[keyof PluginPermissions];

/** What stands behind each of them, for who is asked to grant it. */
export const permissionFlags: Readonly<Record<PermissionFlag, string>> = {
  hooks: "have programs run on the host when a container starts",
  assistants: "run processes on the host as long as the daemon lives",
  rootfs: "work on a container's files when it is updated",
  unpack: "have pulled images unpacked for another snapshotter",
  network: "reach the network",
};
