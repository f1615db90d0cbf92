import type { Handler } from "@pouchcontainer/api";
import { notImplemented, unavailable } from "@pouchcontainer/errors";

const noSwarm: Handler = () => {
  throw unavailable(
    'This node is not a swarm manager. Use "docker swarm init" or "docker swarm join" to connect this node to swarm and try again.',
  );
};

const noSwarmMode: Handler = () => {
  throw notImplemented("swarm mode is not supported: this engine runs containers on one machine");
};

/** Routes that answer in words that what they are for is not there. */
export const unsupportedHandlers = {
  SwarmInspect: noSwarm,
  SwarmInit: noSwarmMode,
  SwarmJoin: noSwarmMode,
  SwarmLeave: (() => {
    throw unavailable("This node is not part of a swarm");
  }) satisfies Handler,
  SwarmUnlockkey: noSwarm,
  NodeList: noSwarm,
  NodeInspect: noSwarm,
  ServiceList: noSwarm,
  ServiceCreate: noSwarm,
  ServiceInspect: noSwarm,
  TaskList: noSwarm,
  TaskInspect: noSwarm,
  SecretList: noSwarm,
  SecretCreate: noSwarm,
  SecretInspect: noSwarm,
  ConfigList: noSwarm,
  ConfigCreate: noSwarm,
  ConfigInspect: noSwarm,
};
