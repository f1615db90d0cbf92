import { linux, type Libc } from "@pouchcontainer/linux";
import { DatagramSocket, ownConnection } from "@pouchcontainer/owners";
import { connect, Socket } from "node:net";
import { familyOf } from "../ipam/cidr.ts";
import type { NetworkNamespaces } from "../linux/network-namespaces.ts";
import { socketAddress } from "../ports/host-sockets.ts";
import type { QuerySockets } from "./ask-server.ts";

/** For the host's own servers and the daemon's. */
export const hostSockets: QuerySockets = {
  udp: (server, hear) => new DatagramSocket({ family: familyOf(server.address), connectTo: server, ...hear }),
  tcp: ({ address, port }) => ownConnection(connect({ host: address, port })),
};

/** For servers that were named for one container, and may be in its networks alone. */
export function namespaceSockets(deps: { libc: Libc; namespaces: NetworkNamespaces }, netnsPath: string): QuerySockets {
  const { libc, namespaces } = deps;
  const open = (address: string, type: number) => {
    const family = familyOf(address) === 4 ? linux.AF_INET : linux.AF_INET6;
    const flags = linux.SOCK_NONBLOCK | linux.SOCK_CLOEXEC;
    return namespaces.within(netnsPath, () => libc.call("socket", family, type | flags, 0));
  };
  return {
    udp: (server, hear) => {
      const fd = open(server.address, linux.SOCK_DGRAM);
      return new DatagramSocket({ family: familyOf(server.address), fd, connectTo: server, ...hear });
    },
    tcp: ({ address, port }) => {
      const name = socketAddress(address, port);
      const fd = open(address, linux.SOCK_STREAM);
      // Under way now, or failed already: then the first read says so.
      libc.attempt("connect", fd, name, name.length);
      return ownConnection(new Socket({ fd }));
    },
  };
}
