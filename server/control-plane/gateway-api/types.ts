import type { LabelSelector } from '#domain';

/**
 * The fields of the Gateway API that the control plane reads, as they stand in a stored object's `spec`. Unset fields are absent.
 * Source: gateway-api apis/v1.
 */
export interface ParentReference {
  readonly group?: string;
  readonly kind?: string;
  readonly namespace?: string;
  readonly name: string;
  readonly sectionName?: string;
  readonly port?: number;
}

export interface ObjectReference {
  readonly group?: string;
  readonly kind?: string;
  readonly namespace?: string;
  readonly name: string;
}

export interface BackendObjectReference extends ObjectReference {
  readonly port?: number;
}

export interface RouteGroupKind {
  readonly group?: string;
  readonly kind: string;
}

export interface RouteNamespaces {
  readonly from?: string;
  readonly selector?: LabelSelector;
}

export interface ListenerTls {
  readonly mode?: string;
  readonly certificateRefs?: readonly ObjectReference[];
  readonly options?: Readonly<Record<string, string>>;
}

export interface Listener {
  readonly name: string;
  readonly hostname?: string;
  readonly port: number;
  readonly protocol: string;
  readonly tls?: ListenerTls;
  readonly allowedRoutes?: {
    readonly namespaces?: RouteNamespaces;
    readonly kinds?: readonly RouteGroupKind[];
  };
}

/** How a Gateway verifies clients on one port. */
export interface FrontendTls {
  readonly validation?: {
    readonly caCertificateRefs?: readonly ObjectReference[];
    readonly mode?: string;
  };
}

export interface GatewayAddress {
  readonly type?: string;
  readonly value?: string;
}

export interface GatewayApiGatewaySpec {
  readonly gatewayClassName: string;
  readonly listeners?: readonly Listener[];
  readonly addresses?: readonly GatewayAddress[];
  readonly infrastructure?: {
    readonly parametersRef?: { readonly group: string; readonly kind: string; readonly name: string };
  };
  readonly allowedListeners?: { readonly namespaces?: RouteNamespaces };
  readonly tls?: {
    readonly backend?: { readonly clientCertificateRef?: ObjectReference };
    readonly frontend?: {
      readonly default?: FrontendTls;
      readonly perPort?: readonly { readonly port: number; readonly tls?: FrontendTls }[];
    };
  };
}

export interface ListenerSetSpec {
  readonly parentRef: ObjectReference;
  /** `port` may be left out (0) where the protocol has a usual one. */
  readonly listeners?: readonly Listener[];
}

export interface CommonRouteSpec {
  readonly parentRefs?: readonly ParentReference[];
  readonly hostnames?: readonly string[];
}

export interface HeaderField {
  readonly name: string;
  readonly value: string;
}

export interface HeaderFilter {
  readonly set?: readonly HeaderField[];
  readonly add?: readonly HeaderField[];
  readonly remove?: readonly string[];
}

export interface PathModifier {
  readonly type: string;
  readonly replaceFullPath?: string;
  readonly replacePrefixMatch?: string;
}

export interface RequestRedirect {
  readonly scheme?: string;
  readonly hostname?: string;
  readonly path?: PathModifier;
  readonly port?: number;
  readonly statusCode?: number;
}

export interface UrlRewrite {
  readonly hostname?: string;
  readonly path?: PathModifier;
}

export interface RequestMirror {
  readonly backendRef: BackendObjectReference;
  readonly percent?: number;
  readonly fraction?: { readonly numerator: number; readonly denominator?: number };
}

export interface CorsFilter {
  readonly allowOrigins?: readonly string[];
  readonly allowCredentials?: boolean;
  readonly allowMethods?: readonly string[];
  readonly allowHeaders?: readonly string[];
  readonly exposeHeaders?: readonly string[];
  readonly maxAge?: number;
}

/** A filter of an HTTPRoute or a GRPCRoute. */
export interface RouteFilter {
  readonly type: string;
  readonly requestHeaderModifier?: HeaderFilter;
  readonly responseHeaderModifier?: HeaderFilter;
  readonly requestMirror?: RequestMirror;
  readonly requestRedirect?: RequestRedirect;
  readonly urlRewrite?: UrlRewrite;
  readonly cors?: CorsFilter;
}

export interface BackendRef extends BackendObjectReference {
  readonly weight?: number;
  readonly filters?: readonly RouteFilter[];
}

export interface ValueMatch {
  readonly type?: string;
  readonly name: string;
  readonly value: string;
}

export interface HttpRouteMatch {
  readonly path?: { readonly type?: string; readonly value?: string };
  readonly headers?: readonly ValueMatch[];
  readonly queryParams?: readonly ValueMatch[];
  readonly method?: string;
}

export interface HttpRouteRule {
  readonly name?: string;
  readonly matches?: readonly HttpRouteMatch[];
  readonly filters?: readonly RouteFilter[];
  readonly backendRefs?: readonly BackendRef[];
  readonly timeouts?: { readonly request?: string; readonly backendRequest?: string };
  readonly retry?: { readonly codes?: readonly number[]; readonly attempts?: number; readonly backoff?: string };
}

export interface HttpRouteSpec extends CommonRouteSpec {
  readonly rules?: readonly HttpRouteRule[];
}

export interface GrpcRouteMatch {
  readonly method?: { readonly type?: string; readonly service?: string; readonly method?: string };
  readonly headers?: readonly ValueMatch[];
}

export interface GrpcRouteRule {
  readonly name?: string;
  readonly matches?: readonly GrpcRouteMatch[];
  readonly filters?: readonly RouteFilter[];
  readonly backendRefs?: readonly BackendRef[];
}

export interface GrpcRouteSpec extends CommonRouteSpec {
  readonly rules?: readonly GrpcRouteRule[];
}

/** A rule of a TCPRoute or a TLSRoute. */
export interface L4RouteRule {
  readonly name?: string;
  readonly backendRefs?: readonly BackendRef[];
}

export interface L4RouteSpec extends CommonRouteSpec {
  readonly rules?: readonly L4RouteRule[];
}

export interface ReferenceGrantSpec {
  readonly from?: readonly { readonly group: string; readonly kind: string; readonly namespace: string }[];
  readonly to?: readonly { readonly group: string; readonly kind: string; readonly name?: string }[];
}

export interface PolicyTargetReference {
  readonly group: string;
  readonly kind: string;
  readonly name: string;
  readonly sectionName?: string;
}

export interface BackendTlsPolicySpec {
  readonly targetRefs?: readonly PolicyTargetReference[];
  readonly validation: {
    readonly caCertificateRefs?: readonly { readonly group: string; readonly kind: string; readonly name: string }[];
    readonly wellKnownCACertificates?: string;
    readonly hostname: string;
    readonly subjectAltNames?: readonly {
      readonly type: string;
      readonly hostname?: string;
      readonly uri?: string;
    }[];
  };
}

export interface BackendTrafficPolicySpec {
  readonly targetRefs?: readonly PolicyTargetReference[];
  readonly retryConstraint?: {
    readonly budget?: { readonly percent?: number; readonly interval?: string };
    readonly minRetryRate?: { readonly count?: number; readonly interval?: string };
  };
  readonly sessionPersistence?: object;
}
