/** How a channel's number and its bytes make a message, and back. */
export interface ChannelCodec {
  encode(channel: number, chunk: Buffer): Buffer | string;
  /** Undefined for a message that says nothing. */
  decode(message: Buffer): { channel: number; chunk: Buffer } | undefined;
}

/** `channel.k8s.io`: the number is the first byte. */
export const binaryCodec: ChannelCodec = {
  encode: (channel, chunk) => {
    const message = Buffer.allocUnsafe(1 + chunk.length);
    message[0] = channel;
    chunk.copy(message, 1);
    return message;
  },
  decode: (message) => (message.length === 0 ? undefined : { channel: message.readUInt8(0), chunk: message.subarray(1) }),
};

const zero = 0x30;

/** `base64.channel.k8s.io`: text; the number is the first character, counted from `0`. */
export const base64Codec: ChannelCodec = {
  encode: (channel, chunk) => String.fromCharCode(zero + channel) + chunk.toString("base64"),
  decode: (message) =>
    message.length === 0
      ? undefined
      : { channel: message.readUInt8(0) - zero, chunk: Buffer.from(message.toString("latin1", 1), "base64") },
};
