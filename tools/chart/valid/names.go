package valid

import (
	"errors"
	"fmt"

	"k8s.io/apimachinery/pkg/api/validation"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	metavalidation "k8s.io/apimachinery/pkg/apis/meta/v1/validation"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

// checkNames checks what a schema does not say of an object's name, its labels and its annotations, and of those of its pods.
func checkNames(object any) error {
	metadata := table(object, "metadata")
	name, named := validation.NameIsDNSSubdomain, text(metadata, "name")
	if text(object, "kind") == "Service" {
		name = validation.NameIsDNS1035Label
	}
	var wrong []error
	for _, why := range name(named, false) {
		wrong = append(wrong, fmt.Errorf("metadata.name %q: %s", named, why))
	}
	for at, metadata := range map[string]map[string]any{"metadata": metadata, "spec.template.metadata": table(object, "spec", "template", "metadata")} {
		var typed metav1.ObjectMeta
		if err := runtime.DefaultUnstructuredConverter.FromUnstructured(metadata, &typed); err != nil {
			return err
		}
		errs := append(metavalidation.ValidateLabels(typed.Labels, field.NewPath(at, "labels")), validation.ValidateAnnotations(typed.Annotations, field.NewPath(at, "annotations"))...)
		wrong = append(wrong, errs.ToAggregate())
	}
	return errors.Join(wrong...)
}
