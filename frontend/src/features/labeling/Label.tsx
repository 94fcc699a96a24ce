import { useRoute } from "preact-iso";
import { Labeling } from "./Labeling";

export default function Label() {
  const { params } = useRoute();
  return <Labeling project={Number(params.id)} source="pages" />;
}
