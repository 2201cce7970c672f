/** Where Istio's kinds are served; the preferred version first. */
export const NETWORKING = { group: 'networking.istio.io', versions: ['v1', 'v1beta1', 'v1alpha3'] } as const;
export const SECURITY = { group: 'security.istio.io', versions: ['v1', 'v1beta1'] } as const;
export const EXTENSIONS = { group: 'extensions.istio.io', versions: ['v1alpha1'] } as const;
