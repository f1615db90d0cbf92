export type {
  ContainerNetworks,
  NetworkContainers,
  NetworkedContainer,
  NetworkEvents,
  NetworkSandbox,
} from "./container-networks.ts";
export { networksConfig } from "./default-networks-config.ts";
export type { DefaultBridgeConfig, NetworksConfig } from "./network-config.ts";
export { NetworkManager } from "./network-manager.ts";
export { openNetworks, type Networks, type NetworksDeps } from "./open-networks.ts";
export { Sandboxes } from "./sandboxes.ts";
export { checkDefaultBridge } from "./predefined-networks.ts";
