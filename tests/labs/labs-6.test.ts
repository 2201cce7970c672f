import { proveLabs } from '../support/prove-labs.ts';

proveLabs(5, 6);
