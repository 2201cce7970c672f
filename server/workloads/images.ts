import { detailsImage } from './bookinfo/details.ts';
import { productpageImage } from './bookinfo/productpage.ts';
import { ratingsImage } from './bookinfo/ratings.ts';
import { reviewsImage } from './bookinfo/reviews.ts';
import { mongodbImage } from './databases/mongodb.ts';
import { mysqldbImage } from './databases/mysqldb.ts';
import type { WorkloadImage } from './doors.ts';
import { echoAppImages } from './echo/echo-app.ts';
import { echoBasicImage } from './echo/echo-basic.ts';
import { greeterImage } from './grpc/greeter.ts';
import { grpcClientImage } from './grpc/grpc-client.ts';
import { httpbinImages } from './httpbin/httpbin.ts';
import { cartImage } from './lab/cart.ts';
import { frontendImage } from './lab/frontend.ts';
import { inventoryImage } from './lab/inventory.ts';
import { answererImage, keeperImage } from './lab/keeper.ts';
import { labReviewsImage } from './lab/reviews.ts';
import { serviceImage } from './lab/service.ts';
import { libraryImage } from './library/library.ts';
import { configReloaderImage } from './prometheus/config-reloader.ts';
import { prometheusImage } from './prometheus/prometheus.ts';
import { ratelimitImage } from './ratelimit/ratelimit.ts';
import { extAuthzImage } from './samples/ext-authz.ts';
import { helloworldImages } from './samples/helloworld.ts';
import { jwtServerImage } from './samples/jwt-server.ts';
import { redisImage } from './samples/redis.ts';
import { healthImage, webSocketImage } from './samples/small.ts';
import { tcpEchoImage } from './samples/tcp-echo.ts';
import { agnhostImage } from './tools/agnhost.ts';
import { fortioImage } from './tools/fortio.ts';
import { webServerImages } from './tools/nginx.ts';
import { shellImages } from './tools/shells.ts';
import { zipkinImages } from './tracing/zipkin.ts';

/** Every image that a pod can run. */
export const images: readonly WorkloadImage[] = [
  productpageImage('examples-bookinfo-productpage-v1', 0),
  productpageImage('examples-bookinfo-productpage-v-flooding', 100),
  detailsImage('v1'),
  detailsImage('v2'),
  reviewsImage({ version: 'v1', ratings: false, starColor: 'black' }),
  reviewsImage({ version: 'v2', ratings: true, starColor: 'black' }),
  reviewsImage({ version: 'v3', ratings: true, starColor: 'red' }),
  ratingsImage('v1'),
  ratingsImage('v2'),
  ratingsImage('v-faulty'),
  ratingsImage('v-delayed'),
  ratingsImage('v-unavailable'),
  ratingsImage('v-unhealthy'),
  mysqldbImage,
  mongodbImage,
  frontendImage,
  cartImage,
  inventoryImage,
  labReviewsImage,
  serviceImage,
  libraryImage,
  greeterImage,
  grpcClientImage,
  keeperImage,
  answererImage,
  ...httpbinImages,
  echoBasicImage,
  ...echoAppImages,
  ...helloworldImages,
  tcpEchoImage,
  extAuthzImage,
  jwtServerImage,
  ratelimitImage,
  redisImage,
  prometheusImage,
  configReloaderImage,
  ...zipkinImages,
  healthImage,
  webSocketImage,
  fortioImage,
  agnhostImage,
  ...webServerImages,
  ...shellImages,
];

/** The last part of an image reference, without tag and digest: `registry:5000/a/reviews:1.2@sha256:…` → `reviews`. */
export function imageName(reference: string): string {
  const path = reference.split('@', 1)[0] ?? '';
  return (path.split('/').at(-1) ?? '').split(':', 1)[0] ?? '';
}

/** Our program for an image reference; any registry and any tag will do. */
export function findImage(reference: string): WorkloadImage | undefined {
  const name = imageName(reference);
  return images.find((image) => image.name === name);
}
