import { messageChain, unavailable } from "@pouchcontainer/errors";
import { networkFiles, readNetworkList, type CniNetworkList } from "../../networks/cni/cni-config.ts";

/** Versions whose results have the form read here. */
const versions = ["0.3.0", "0.3.1", "0.4.0", "1.0.0", "1.1.0"];

/**
 * The network of pods: the list in the first file of the folder, by name, read anew at each call, so that a change needs no reload. Where
 * that file is broken there is none, rather than another: pods in a network nobody chose are worse than pods that wait.
 */
export function firstNetworkList(directory: string): CniNetworkList {
  const [path] = networkFiles(directory);
  if (path === undefined) throw unavailable(`no network config found in ${directory}: cni plugin not initialized`);
  let list: CniNetworkList;
  try {
    list = readNetworkList(path);
  } catch (error) {
    throw unavailable(`failed to load CNI config file ${path}: ${messageChain(error)}`, { cause: error });
  }
  if (list.plugins.length === 0) throw unavailable(`the CNI config file ${path} has no plugins`);
  if (!/^[A-Za-z0-9][A-Za-z0-9_.-]*$/.test(list.name))
    throw unavailable(`the CNI config file ${path} has no name for its network`);
  if (!versions.includes(list.cniVersion))
    throw unavailable(`the CNI config file ${path} is of version ${list.cniVersion}: one of ${versions.join(", ")} is needed`);
  return list;
}
