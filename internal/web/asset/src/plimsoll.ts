// The script of all pages. Each part looks for what it improves, and leaves alone what is not there.
import { enhanceForms } from "./forms";
import { followLive } from "./live";
import { watchPhotos } from "./photo";

enhanceForms();
followLive();
watchPhotos();
