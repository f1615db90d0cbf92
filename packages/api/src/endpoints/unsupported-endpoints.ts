import type { Endpoint } from "./endpoint.ts";

const swarm = { tag: "Swarm", status: 200, errors: [503], unsupported: true } as const;

/** Routes that clients call and that this engine does not have: there is no swarm. */
export const unsupportedEndpoints = {
  SwarmInspect: { ...swarm, method: "GET", path: "/swarm", summary: "Inspect the swarm" },
  SwarmInit: { ...swarm, errors: [501], method: "POST", path: "/swarm/init", summary: "Make a swarm" },
  SwarmJoin: { ...swarm, errors: [501], method: "POST", path: "/swarm/join", summary: "Join a swarm" },
  SwarmLeave: { ...swarm, method: "POST", path: "/swarm/leave", summary: "Leave the swarm" },
  SwarmUnlockkey: { ...swarm, method: "GET", path: "/swarm/unlockkey", summary: "Get the key of the swarm" },
  NodeList: { ...swarm, method: "GET", path: "/nodes", summary: "List nodes" },
  NodeInspect: { ...swarm, method: "GET", path: "/nodes/{id}", summary: "Inspect a node" },
  ServiceList: { ...swarm, method: "GET", path: "/services", summary: "List services" },
  ServiceCreate: { ...swarm, method: "POST", path: "/services/create", summary: "Create a service" },
  ServiceInspect: { ...swarm, method: "GET", path: "/services/{id}", summary: "Inspect a service" },
  TaskList: { ...swarm, method: "GET", path: "/tasks", summary: "List tasks" },
  TaskInspect: { ...swarm, method: "GET", path: "/tasks/{id}", summary: "Inspect a task" },
  SecretList: { ...swarm, method: "GET", path: "/secrets", summary: "List secrets" },
  SecretCreate: { ...swarm, method: "POST", path: "/secrets/create", summary: "Create a secret" },
  SecretInspect: { ...swarm, method: "GET", path: "/secrets/{id}", summary: "Inspect a secret" },
  ConfigList: { ...swarm, method: "GET", path: "/configs", summary: "List configs" },
  ConfigCreate: { ...swarm, method: "POST", path: "/configs/create", summary: "Create a config" },
  ConfigInspect: { ...swarm, method: "GET", path: "/configs/{id}", summary: "Inspect a config" },
} as const satisfies Record<string, Endpoint>;
