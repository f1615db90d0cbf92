export type * from "./backend.ts";
export type { UpdateHandlers } from "./build-router.ts";
export { HttpServer, type HttpServerOptions, type RequestFailure } from "./http-server.ts";
export {
  addressText,
  parseListenAddress,
  type ListenAddress,
  type TcpAddress,
  type TlsMaterial,
  type UnixAddress,
} from "./listen-address.ts";
