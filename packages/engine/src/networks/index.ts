export type {
  ContainerNetworks,
  NetworkContainers,
  NetworkedContainer,
  NetworkEvents,
  NetworkSandbox,
} from "./container-networks.ts";
export { NetworkManager } from "./network-manager.ts";
export { openNetworks, type Networks, type NetworksConfig, type NetworksDeps } from "./open-networks.ts";
export { Sandboxes } from "./sandboxes.ts";
