export { CriServer, messageLimitBytes, type CriServerDeps } from "./wire/cri-server.ts";
export type { Call, Handler, Handlers, ImageHandlers, RuntimeHandlers } from "./wire/handlers.ts";
export { apiVersions, serviceOf, type ApiVersion } from "./wire/services.ts";
