import type { Any } from '#xds';
import { readAdaptiveConcurrency } from '../../config/filters/adaptive-concurrency.ts';
import { readAdmissionControl } from '../../config/filters/admission-control.ts';
import { readBandwidthLimit } from '../../config/filters/bandwidth-limit.ts';
import { readCompressor } from '../../config/filters/compressor.ts';
import { readCustomResponse } from '../../config/filters/custom-response.ts';
import { readDecompressor } from '../../config/filters/decompressor.ts';
import { readHeaderMutation } from '../../config/filters/header-mutation.ts';
import { readSetFilterState } from '../../config/filters/set-filter-state.ts';
import { readStatefulSession } from '../../config/filters/stateful-session.ts';
import { bandwidthLimit } from './bandwidth-limit.ts';
import { buffer, readBuffer } from './buffer.ts';
import { cdnLoop, readCdnLoop } from './cdn-loop.ts';
import { compressor } from './compressor.ts';
import { csrf, readCsrf } from './csrf.ts';
import { customResponse } from './custom-response.ts';
import { decompressor } from './decompressor.ts';
import type { FilterParts } from './filter-parts.ts';
import { grpcStats, readGrpcStats } from './grpc-stats.ts';
import { grpcWeb } from './grpc-web.ts';
import { headerMutation } from './header-mutation.ts';
import { headerToMetadata, readHeaderToMetadata } from './header-to-metadata.ts';
import { healthCheck, readHealthCheck } from './health-check.ts';
import { ipTagging, readIpTagging } from './ip-tagging.ts';
import { adaptiveConcurrency } from './overload/adaptive-concurrency.ts';
import { admissionControl } from './overload/admission-control.ts';
import { setFilterState } from './set-filter-state.ts';
import { readSetMetadata, setMetadata } from './set-metadata.ts';

import { statefulSession } from './stateful-session.ts';

type Maker = (name: string, config: Any) => FilterParts;

const TYPE = 'type.googleapis.com/envoy.extensions.filters.http.';

/** Its filter needs the messages of calls to be counted. */
export const GRPC_STATS = `${TYPE}grpc_stats.v3.FilterConfig`;

/** Filters that need nothing but their configuration, by its type. `name` is the filter's, by which routes speak to it. */
export const SELF_CONTAINED: Readonly<Record<string, Maker>> = {
  [`${TYPE}header_mutation.v3.HeaderMutation`]: (name, config) => headerMutation(name, readHeaderMutation(config)),
  [`${TYPE}buffer.v3.Buffer`]: (name, config) => buffer(name, readBuffer(config)),
  [`${TYPE}bandwidth_limit.v3.BandwidthLimit`]: (name, config) => bandwidthLimit(name, readBandwidthLimit(config)),
  [`${TYPE}admission_control.v3.AdmissionControl`]: (name, config) =>
    admissionControl(name, readAdmissionControl(config)),
  [`${TYPE}adaptive_concurrency.v3.AdaptiveConcurrency`]: (name, config) =>
    adaptiveConcurrency(name, readAdaptiveConcurrency(config)),
  [`${TYPE}csrf.v3.CsrfPolicy`]: (name, config) => csrf(name, readCsrf(config)),
  [`${TYPE}set_metadata.v3.Config`]: (_name, config) => setMetadata(readSetMetadata(config)),
  [`${TYPE}set_filter_state.v3.Config`]: (name, config) => setFilterState(name, readSetFilterState(config)),
  [`${TYPE}header_to_metadata.v3.Config`]: (name, config) => headerToMetadata(name, readHeaderToMetadata(config)),
  [`${TYPE}health_check.v3.HealthCheck`]: (_name, config) => healthCheck(readHealthCheck(config)),
  [`${TYPE}compressor.v3.Compressor`]: (name, config) => compressor(name, readCompressor(config)),
  [`${TYPE}custom_response.v3.CustomResponse`]: (name, config) => customResponse(name, readCustomResponse(config)),
  [`${TYPE}decompressor.v3.Decompressor`]: (_name, config) => decompressor(readDecompressor(config)),
  [`${TYPE}stateful_session.v3.StatefulSession`]: (name, config) => statefulSession(name, readStatefulSession(config)),
  [`${TYPE}ip_tagging.v3.IPTagging`]: (_name, config) => ipTagging(readIpTagging(config)),
  [`${TYPE}cdn_loop.v3.CdnLoopConfig`]: (_name, config) => cdnLoop(readCdnLoop(config)),
  [GRPC_STATS]: (_name, config) => grpcStats(readGrpcStats(config)),
  [`${TYPE}grpc_web.v3.GrpcWeb`]: () => grpcWeb,
  // Tables and virtual hosts come without being asked for here: there is nothing to wait for.
  [`${TYPE}on_demand.v3.OnDemand`]: () => ({}),
};
