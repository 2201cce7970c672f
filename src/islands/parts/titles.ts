/** `ingress gateway` for `istio-ingressgateway`; other services keep their own name. */
export function serviceTitle(service: string): string {
  return service.replace(/^(?:istio-)?(ingress|egress|eastwest)-?gateway$/, '$1 gateway');
}

/** A caller that no pod's proxy speaks for: by the name in its certificate, where it has one. */
export function callerTitle(service: string): string {
  return service === 'unknown' ? 'no proxy' : service;
}
