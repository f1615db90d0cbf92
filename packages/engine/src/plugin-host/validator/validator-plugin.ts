import { forbidden } from "@pouchcontainer/errors";
import { registerContainerPlugin, registerVolumePlugin, type FieldWrite, type Provenance } from "@pouchcontainer/plugin-sdk";
import type { BuiltinPlugin } from "../builtin-plugins.ts";
import { mountedBy, refuseKept } from "./kept-paths.ts";
import { refuseRaised } from "./refuse-raised.ts";
import type { ValidatorRules } from "./validator-rules.ts";
import { mountedByVolume } from "./volume-paths.ts";

export const validatorName = "pouch-validator";

/** The plugin that refuses what an operator has ruled out, whichever plugin or client asks for it. Hooks are refused where they are asked for, execs where plugins have changed them. */
export function validatorPlugin(rules: ValidatorRules): BuiltinPlugin {
  return {
    packageJson: {
      name: validatorName,
      version: "1.0.0",
      description: "Refuses what --validator rules out",
      pouch: { api: "^1.0.0", points: ["container.validateCreate", "volume.validateVolumeCreate"], permissions: {} },
    },
    load: async () => {
      registerContainerPlugin({
        validateCreate: async (config, { provenance }) => {
          if (rules.privileged) refuseRaised("the container", config, { pointer: "/HostConfig/Privileged", provenance });
          if (rules.seccompChange) refuseSeccompChange(provenance);
          await refuseKept(rules.binds, mountedBy(config));
        },
      });
      registerVolumePlugin({ validateVolumeCreate: (config) => refuseKept(rules.binds, mountedByVolume(config)) });
    },
  };
}

const securityOptions = "/HostConfig/SecurityOpt";

function refuseSeccompChange(provenance: Provenance): void {
  for (const [pointer, { earlier = [], ...last }] of Object.entries(provenance)) {
    if (pointer !== "" && !securityOptions.startsWith(pointer) && !pointer.startsWith(`${securityOptions}/`)) continue;
    const write = [...earlier, last].find((one) => changesSeccomp(one));
    if (write !== undefined)
      throw forbidden(`plugin "${write.plugin}" changed the seccomp profile, which the daemon's --validator rules out`);
  }
}

function changesSeccomp(write: FieldWrite): boolean {
  return JSON.stringify(profilesIn(write.old)) !== JSON.stringify(profilesIn(write.new));
}

/** The seccomp profiles, of which the last counts, in an option, in a list of them, or in what has that list. */
function profilesIn(value: unknown): string[] {
  if (typeof value === "string") return /^seccomp[=:]/.test(value) ? [value] : [];
  if (Array.isArray(value)) return value.flatMap(profilesIn);
  if (typeof value !== "object" || value === null) return [];
  return [
    ...("SecurityOpt" in value ? profilesIn(value.SecurityOpt) : []),
    ...("HostConfig" in value ? profilesIn(value.HostConfig) : []),
  ];
}
