/**
 * The ALPN name by which two proxies of this project agree to carry HTTP/1.1 requests as streams of one HTTP/2 connection. Envoy does not
 * know it and chooses Istio's own name beside it, so that the wire to it is plain HTTP/1.1 over TLS.
 */
export const CARRIAGE = 'meshwork-h2';
