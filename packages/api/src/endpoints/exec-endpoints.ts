import { ExecCreateConfig, ExecCreateResponse, ExecInspect, ExecStartConfig } from "../exec.ts";
import { unsigned } from "../wire-types.ts";
import { query, type Endpoint } from "./endpoint.ts";

const tag = "Exec";

/** Operations on further processes of a container. */
export const execEndpoints = {
  ContainerExec: {
    method: "POST",
    path: "/containers/{id}/exec",
    summary: "Prepare a process in a running container",
    tag,
    body: ExecCreateConfig,
    status: 201,
    answer: ExecCreateResponse,
    errors: [404, 409],
  },
  ExecStart: {
    method: "POST",
    path: "/exec/{id}/start",
    summary: "Start it; unless detached, the connection is taken over",
    tag,
    body: ExecStartConfig,
    bodyOptional: true,
    status: 200,
    answer: "application/vnd.docker.raw-stream",
    errors: [404, 409],
    takesOver: true,
  },
  ExecResize: {
    method: "POST",
    path: "/exec/{id}/resize",
    summary: "Set the size of its TTY",
    tag,
    query: query({ h: unsigned(), w: unsigned() }),
    status: 200,
    errors: [404],
  },
  ExecInspect: {
    method: "GET",
    path: "/exec/{id}/json",
    summary: "Inspect it",
    tag,
    status: 200,
    answer: ExecInspect,
    errors: [404],
  },
} as const satisfies Record<string, Endpoint>;
