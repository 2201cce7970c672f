import type { Any, HeaderMatcher, StringMatcher } from '#xds';

/** The part of envoy.config.rbac.v3 that Istio writes, in protobuf JSON. */
export interface Rbac {
  action?: 'ALLOW' | 'DENY' | 'LOG';
  policies: Record<string, RbacPolicy>;
}

export interface RbacPolicy {
  permissions: Permission[];
  principals: Principal[];
}

export interface CidrRange {
  address_prefix: string;
  prefix_len: number;
}

export interface ValueMatcher {
  string_match?: StringMatcher;
  list_match?: { one_of: ValueMatcher };
  or_match?: { value_matchers: ValueMatcher[] };
}

export interface MetadataMatcher {
  filter: string;
  path: { key: string }[];
  value: ValueMatcher;
}

export interface Permission {
  any?: boolean;
  and_rules?: { rules: Permission[] };
  or_rules?: { rules: Permission[] };
  not_rule?: Permission;
  header?: HeaderMatcher;
  url_path?: { path: StringMatcher };
  uri_template?: { name: string; typed_config: Any };
  destination_ip?: CidrRange;
  destination_port?: number;
  requested_server_name?: StringMatcher;
  metadata?: MetadataMatcher;
}

export interface Principal {
  any?: boolean;
  and_ids?: { ids: Principal[] };
  or_ids?: { ids: Principal[] };
  not_id?: Principal;
  authenticated?: { principal_name: StringMatcher };
  direct_remote_ip?: CidrRange;
  remote_ip?: CidrRange;
  header?: HeaderMatcher;
  metadata?: MetadataMatcher;
}
