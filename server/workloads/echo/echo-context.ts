import type { ContainerContext } from '../doors.ts';

/** Who answers, as the Deployment's environment tells it. */
export const echoContext = ({ env }: ContainerContext) => ({
  namespace: env['NAMESPACE'] ?? '',
  ingress: env['INGRESS_NAME'] ?? '',
  service: env['SERVICE_NAME'] ?? '',
  pod: env['POD_NAME'] ?? '',
});

export const portOf = (text: string | undefined, fallback: number): number => Number(text) || fallback;
