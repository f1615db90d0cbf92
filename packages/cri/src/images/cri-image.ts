import type { MessageInitShape } from "@bufbuild/protobuf";
import type { ImageView } from "@pouchcontainer/engine";
import type { ImageSchema } from "../gen/runtime_v1_pb.ts";

/** An image as CRI shows it: full names, the config's digest as id, the packed size. */
export function criImage(image: ImageView, pinned: boolean): MessageInitShape<typeof ImageSchema> {
  return {
    id: image.id,
    repoTags: image.tags,
    repoDigests: image.digests,
    size: BigInt(image.packedBytes),
    ...userOf(image.config.config?.User ?? ""),
    pinned,
  };
}

/** `1000:1000` is a uid, `www:www` a name; an image that says nothing has neither. The kubelet checks `runAsNonRoot` by it. */
function userOf(user: string): { uid?: { value: bigint }; username?: string } {
  const [name = ""] = user.split(":");
  if (name === "") return {};
  return /^-?\d{1,18}$/.test(name) ? { uid: { value: BigInt(name) } } : { username: name };
}
