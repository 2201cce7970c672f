import { type TypeUrl, typeUrls } from './resources.ts';

/** The order of make before break: clusters and their endpoints are there before a listener or route sends traffic to them. */
export const pushOrder: readonly TypeUrl[] = [
  typeUrls.secret,
  typeUrls.cluster,
  typeUrls.endpoint,
  typeUrls.listener,
  typeUrls.route,
  typeUrls.extension,
  typeUrls.nameTable,
];
