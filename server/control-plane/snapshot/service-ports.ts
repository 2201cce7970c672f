import type { Service, ServicePort } from './services.ts';

/** A service's port by its number: never one of UDP, beside which the same number may stand once more. Source: GetByPort in istio pilot. */
export const portNumbered = ({ ports }: Pick<Service, 'ports'>, number: number): ServicePort | undefined =>
  ports.find(({ port, protocol }) => port === number && protocol !== 'udp');
