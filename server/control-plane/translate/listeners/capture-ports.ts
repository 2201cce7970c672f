/** The ports to which capture sends a pod's traffic. */
export const OUTBOUND_PORT = 15001;
export const INBOUND_PORT = 15006;
