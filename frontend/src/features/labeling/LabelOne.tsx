import { useRoute } from "preact-iso";
import { Labeling } from "./Labeling";

export default function LabelOne() {
  const { params } = useRoute();
  return <Labeling project={Number(params.id)} kind="one" />;
}
