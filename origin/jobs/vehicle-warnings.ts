import type { VehicleWarning } from '../../shared/contract/vehicles.ts';
import type { Classification, ImageFigures } from '../vehicles/classifier.ts';

type Code = VehicleWarning['code'];

/** Below them, in pixels and grey values, accuracy falls (the model card has the figures of smaller, blurred crops). */
const LEAST_LONGER_SIDE = 128;
const LEAST_BRIGHTNESS = 40;
const GREATEST_BRIGHTNESS = 225;
const LEAST_CONTRAST = 15;
/** Sharp photographs have above 0.2. */
const LEAST_SHARPNESS = 0.08;
/** A second place this large beside the vehicle's. */
const LEAST_OTHER_VEHICLE = 0.3;
const MOST_CUT = 0.05;

const RULES: [Code, string, (figures: ImageFigures) => boolean][] = [
  [
    'too_small',
    'The vehicle is small in the image; send one with more pixels.',
    ({ longerSide }) => longerSide < LEAST_LONGER_SIDE,
  ],
  ['too_dark', 'The vehicle is dark in the image.', ({ brightness }) => brightness < LEAST_BRIGHTNESS],
  ['too_bright', 'The vehicle is overexposed.', ({ brightness }) => brightness > GREATEST_BRIGHTNESS],
  ['low_contrast', 'There is hardly any contrast.', ({ contrast }) => contrast < LEAST_CONTRAST],
  ['blurred', 'The image is blurred or was enlarged.', ({ sharpness }) => sharpness < LEAST_SHARPNESS],
  [
    'several_vehicles',
    'There may be more than one vehicle; say by box which one is meant.',
    ({ otherVehicle }) => otherVehicle > LEAST_OTHER_VEHICLE,
  ],
  ['cropped', "The vehicle reaches beyond the image's border.", ({ cut }) => cut > MOST_CUT],
];
/** What says something about a vehicle alone. */
const OF_VEHICLES: ReadonlySet<Code> = new Set<Code>(['several_vehicles', 'cropped']);

/** What speaks against relying on a classification. */
export function warningsOf({ figures, vehicle }: Classification): VehicleWarning[] {
  const found = RULES.filter(
    ([code, , applies]) => (vehicle.isVehicle || !OF_VEHICLES.has(code)) && applies(figures),
  ).map(([code, message]): VehicleWarning => ({ code, message }));
  if (vehicle.isVehicle) return found;
  return [{ code: 'no_vehicle', message: 'The image does not seem to show a vehicle.' }, ...found];
}
