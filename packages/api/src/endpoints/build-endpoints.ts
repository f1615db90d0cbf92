import { JsonMessage } from "../json-message.ts";
import { BuildPruneResponse } from "../system.ts";
import { flag, integer, list, optional, text } from "../wire-types.ts";
import { query, type Endpoint } from "./endpoint.ts";

const tag = "Build";

/** Images from Dockerfiles, as Docker's classic builder makes them. */
export const buildEndpoints = {
  ImageBuild: {
    method: "POST",
    path: "/build",
    summary: "Build an image of a context, a tar, with a Dockerfile in it; the answer is a stream of progress lines",
    tag,
    query: query({
      dockerfile: optional(text("Path of the Dockerfile in the context; default: Dockerfile")),
      t: optional(list(text("Name for the image"))),
      remote: optional(text("HTTP address of a tar or of a Dockerfile, instead of the body")),
      q: optional(flag("Tell the image's id alone")),
      nocache: optional(flag("Do all steps anew")),
      cachefrom: optional(text("JSON list of images whose steps may be taken up though they were not built here")),
      pull: optional(flag("Pull the images that it begins with though they are here")),
      rm: optional(flag("Remove containers of steps that went well; default: yes")),
      forcerm: optional(flag("Remove containers of steps in any case")),
      memory: optional(integer("Bytes, of each step")),
      memswap: optional(integer("Bytes of memory and swap")),
      cpushares: optional(integer()),
      cpusetcpus: optional(text()),
      cpusetmems: optional(text()),
      cpuperiod: optional(integer("Microseconds")),
      cpuquota: optional(integer("Microseconds")),
      cgroupparent: optional(text()),
      shmsize: optional(integer("Bytes of /dev/shm")),
      ulimits: optional(text("JSON list of `Ulimit`")),
      networkmode: optional(text("Network of steps; default: bridge")),
      extrahosts: optional(list(text("`name:address`"))),
      securityopt: optional(list(text("Not supported"))),
      isolation: optional(text("Windows only")),
      squash: optional(flag("Not supported")),
      buildargs: optional(text("JSON object: build arguments, `null` for one without a value")),
      labels: optional(text("JSON object: labels for the image")),
      platform: optional(text("os[/arch[/variant]]")),
      target: optional(text("Last stage to build")),
      outputs: optional(text("Not supported")),
      session: optional(text("BuildKit's: not supported")),
      version: optional(text("1; 2 is BuildKit, which is not supported")),
      buildid: optional(text("Name for `/build/cancel`")),
    }),
    body: "application/x-tar",
    status: 200,
    answer: JsonMessage,
    errors: [404, 501],
  },
  BuildCancel: {
    method: "POST",
    path: "/build/cancel",
    summary: "Call off a build",
    tag,
    query: query({ id: optional(text("The build's `buildid`")) }),
    status: 200,
    since: "1.39",
  },
  BuildPrune: {
    method: "POST",
    path: "/build/prune",
    summary:
      "Empty the build cache, which is always empty: steps are taken up from the images that are here. `docker system prune` asks for it too",
    tag: "System",
    status: 200,
    answer: BuildPruneResponse,
    since: "1.31",
  },
} as const satisfies Record<string, Endpoint>;
