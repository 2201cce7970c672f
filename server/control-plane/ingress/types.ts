/** The fields of networking.k8s.io/v1 Ingress and IngressClass that the control plane reads. */
export interface IngressSpec {
  readonly ingressClassName?: string;
  readonly tls?: readonly { readonly hosts?: readonly string[]; readonly secretName?: string }[];
  readonly rules?: readonly IngressRule[];
}

export interface IngressRule {
  readonly host?: string;
  readonly http?: { readonly paths: readonly IngressPath[] };
}

export interface IngressPath {
  readonly path?: string;
  readonly pathType?: 'Exact' | 'Prefix' | 'ImplementationSpecific';
  readonly backend: {
    readonly service?: { readonly name: string; readonly port?: { readonly name?: string; readonly number?: number } };
  };
}

export interface IngressClassSpec {
  readonly controller?: string;
}
