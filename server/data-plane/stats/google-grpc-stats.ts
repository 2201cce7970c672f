import type { GoogleGrpcService } from '../config/google-grpc.ts';
import type { Stats } from './stats.ts';

/** Statuses of gRPC, from OK to UNAUTHENTICATED. */
const STATUSES = 17;

/** The name of a figure of a service that google_grpc names. */
export const figureOf = ({ statPrefix }: GoogleGrpcService, figure: string): string => `grpc.${statPrefix}.${figure}`;

/** A client of such a service is there: its figures have names from now on. */
export function nameFigures(stats: Stats, service: GoogleGrpcService): void {
  stats.stat(figureOf(service, 'streams_total'));
  for (let status = 0; status < STATUSES; status++) stats.stat(figureOf(service, `streams_closed_${status}`));
  stats.stat(figureOf(service, 'google_grpc_client_creation')).value++;
}
