/** `ingress gateway` for `istio-ingressgateway`; other services keep their own name. */
export function serviceTitle(service: string): string {
  return service.replace(/^(?:istio-)?(ingress|egress|eastwest)-?gateway$/, '$1 gateway');
}
