import { invalidArgument } from "@pouchcontainer/errors";

/** Value of the capability `bandwidth`: bits per second, and bits. */
export interface CniBandwidth {
  ingressRate?: number;
  ingressBurst?: number;
  egressRate?: number;
  egressBurst?: number;
}

/** The largest 32-bit number, which is what kubelet gave: in effect the burst is not bounded apart from the rate. */
const burstBits = 0xffff_ffff;
/** Kubernetes' bounds of a rate (`pkg/util/bandwidth`). */
const least = 1_000;
const most = 1e15;

/** The limits in the annotations `kubernetes.io/ingress-bandwidth` and `kubernetes.io/egress-bandwidth`; undefined without either. */
export function bandwidthOfAnnotations(annotations: Readonly<Record<string, string>>): CniBandwidth | undefined {
  const ingress = rate(annotations, "kubernetes.io/ingress-bandwidth");
  const egress = rate(annotations, "kubernetes.io/egress-bandwidth");
  if (ingress === undefined && egress === undefined) return undefined;
  return {
    ...(ingress === undefined ? {} : { ingressRate: ingress, ingressBurst: burstBits }),
    ...(egress === undefined ? {} : { egressRate: egress, egressBurst: burstBits }),
  };
}

/** Powers of the suffixes a Kubernetes quantity may have (`resource.Quantity`). */
const factors: Record<string, number> = {
  m: 1e-3,
  "": 1,
  k: 1e3,
  M: 1e6,
  G: 1e9,
  T: 1e12,
  P: 1e15,
  E: 1e18,
  Ki: 2 ** 10,
  Mi: 2 ** 20,
  Gi: 2 ** 30,
  Ti: 2 ** 40,
  Pi: 2 ** 50,
  Ei: 2 ** 60,
};

function rate(annotations: Readonly<Record<string, string>>, key: string): number | undefined {
  const text = annotations[key];
  if (text === undefined) return undefined;
  const match = /^\+?(\d+(?:\.\d*)?|\.\d+)(?:e(\d+)|([a-zA-Z]*))$/i.exec(text);
  const factor = match?.[2] === undefined ? factors[match?.[3] ?? "none"] : 10 ** Number(match[2]);
  const value = Math.ceil(Number(match?.[1]) * (factor ?? NaN));
  if (!(value >= least && value <= most))
    throw invalidArgument(`annotation ${key}: "${text}" is not a rate between 1k and 1P bits per second, such as 10M`);
  return value;
}
