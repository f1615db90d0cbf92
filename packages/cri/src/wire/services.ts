import type { DescMethod, DescService } from "@bufbuild/protobuf";

export const apiVersions = ["v1", "v1alpha2"] as const;
export type ApiVersion = (typeof apiVersions)[number];

/**
 * The same service under another package. `runtime.v1alpha2` as it was last published (Kubernetes 1.25) is a part of `runtime.v1`,
 * field by field, and nothing on the wire names a message's package: only the path of a call differs.
 */
export function serviceOf<Service extends DescService>(service: Service, version: ApiVersion): Service {
  const renamed = { ...service, typeName: `runtime.${version}.${service.name}` };
  const methods = service.methods.map((method): DescMethod => ({ ...method, parent: renamed }));
  const method = Object.fromEntries(methods.map((each) => [each.localName, each]));
  // The same descriptor but for its name and the way back from its methods.
  return Object.assign(renamed, { methods, method });
}
