const HTTP = new Set(['http', 'http2', 'http_proxy', 'grpc', 'grpc-web']);
const TLS = new Set(['https', 'tls']);
const TCP = new Set(['tcp', 'https', 'tls', 'mongo', 'redis', 'mysql']);
const OTHER = new Set(['udp']);

/** The protocols that a port may name, in any case. */
export const isProtocol = (name: string): boolean => [HTTP, TLS, TCP, OTHER].some((set) => set.has(name.toLowerCase()));

export const isHttp = (name: string): boolean => HTTP.has(name.toLowerCase());
export const isTls = (name: string): boolean => TLS.has(name.toLowerCase());
/** TCP and what runs on it without being HTTP; TLS counts. */
export const isTcp = (name: string): boolean => TCP.has(name.toLowerCase());
