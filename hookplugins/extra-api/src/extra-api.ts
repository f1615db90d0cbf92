import { registerApiPlugin, type HandlerSpec } from "@pouchcontainer/plugin-sdk";

/** A route of our own. */
const hello: HandlerSpec = {
  method: "GET",
  path: "/extra/hello/{name}",
  handler(_request, response, { name }) {
    response.writeHead(200, { "Content-Type": "application/json" });
    response.end(JSON.stringify({ hello: name }));
  },
};

/** Another handler around the one that is there. */
function stamped({ handler, ...route }: HandlerSpec): HandlerSpec {
  return {
    ...route,
    handler(request, response, params) {
      response.setHeader("X-Extra-Api", "1.0.0");
      return handler(request, response, params);
    },
  };
}

const isWrapped = (spec: HandlerSpec): boolean => spec.method === "GET" && spec.path === "/version";
const isRemoved = (spec: HandlerSpec): boolean => spec.method === "POST" && spec.path === "/containers/prune";

registerApiPlugin({
  updateHandler(handlers) {
    return [...handlers.filter((spec) => !isRemoved(spec)).map((spec) => (isWrapped(spec) ? stamped(spec) : spec)), hello];
  },
});
