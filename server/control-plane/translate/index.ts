export { buildResources, type ProxyResources } from './resources.ts';
export { secretResources } from './secrets.ts';
export { createTranslator, type Translation, type Translator } from './translator.ts';
