/** The fields of other APIs that the Gateway API's conversion reads. */
export interface ServiceSpec {
  readonly type?: string;
  readonly clusterIP?: string;
  readonly clusterIPs?: readonly string[];
  readonly externalIPs?: readonly string[];
  readonly ports?: readonly { readonly name?: string; readonly port: number; readonly targetPort?: number | string }[];
}

export interface ServiceStatus {
  readonly loadBalancer?: { readonly ingress?: readonly { readonly ip?: string; readonly hostname?: string }[] };
}

export interface ServiceEntrySpec {
  readonly hosts?: readonly string[];
  readonly ports?: readonly { readonly name?: string; readonly number: number }[];
}

/** Bytes as base64, and plain text, as a Secret has them. */
export interface SecretShape {
  readonly data?: Readonly<Record<string, string>>;
  readonly stringData?: Readonly<Record<string, string>>;
}

export interface ConfigMapShape {
  readonly data?: Readonly<Record<string, string>>;
}
