const TYPE = 'type.googleapis.com/envoy.extensions';

/** `@type` values of the filters that policies become. */
export const FILTER_TYPES = {
  httpRbac: `${TYPE}.filters.http.rbac.v3.RBAC`,
  networkRbac: `${TYPE}.filters.network.rbac.v3.RBAC`,
  httpExtAuthz: `${TYPE}.filters.http.ext_authz.v3.ExtAuthz`,
  networkExtAuthz: `${TYPE}.filters.network.ext_authz.v3.ExtAuthz`,
  jwtAuthn: `${TYPE}.filters.http.jwt_authn.v3.JwtAuthentication`,
  uriTemplate: `${TYPE}.path.match.uri_template.v3.UriTemplateMatchConfig`,
} as const;

/** Their names, which also key the metadata that they leave behind. */
export const POLICY_FILTERS = {
  httpRbac: 'envoy.filters.http.rbac',
  networkRbac: 'envoy.filters.network.rbac',
  httpExtAuthz: 'envoy.filters.http.ext_authz',
  networkExtAuthz: 'envoy.filters.network.ext_authz',
  jwtAuthn: 'envoy.filters.http.jwt_authn',
} as const;
