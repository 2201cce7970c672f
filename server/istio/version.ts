/** The release of Istio whose names, defaults and behaviour the lab follows. */
export const istioVersion = '1.31.0';
