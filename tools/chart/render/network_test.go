package render_test

import (
	"slices"
	"testing"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/confab-chat/confab/tools/chart/render"
)

// peer is a pod as a NetworkPolicy sees it.
type peer struct {
	namespace string // which is its label kubernetes.io/metadata.name too
	labels    map[string]string
	ports     byName
}

// network is the policies of one namespace.
type network struct {
	t        *testing.T
	policies []networkingv1.NetworkPolicySpec
}

func newNetwork(t *testing.T, objects []render.Object) network {
	t.Helper()
	n := network{t: t}
	for _, p := range all[networkingv1.NetworkPolicy](t, objects, "NetworkPolicy") {
		n.policies = append(n.policies, p.Spec)
	}
	return n
}

// allows says whether from may open a connection to the port of to: what selects the one must let it out, and what selects the other must let it in.
func (n network) allows(from, to peer, port string, protocol corev1.Protocol) bool {
	return n.leaves(from, to, port, protocol) && n.enters(from, to, port, protocol)
}

func (n network) leaves(from, to peer, port string, protocol corev1.Protocol) bool {
	return n.passes(from, networkingv1.PolicyTypeEgress, func(s networkingv1.NetworkPolicySpec) bool {
		return slices.ContainsFunc(s.Egress, func(r networkingv1.NetworkPolicyEgressRule) bool {
			return n.anyPeer(r.To, to) && anyPort(r.Ports, to, port, protocol)
		})
	})
}

func (n network) enters(from, to peer, port string, protocol corev1.Protocol) bool {
	return n.passes(to, networkingv1.PolicyTypeIngress, func(s networkingv1.NetworkPolicySpec) bool {
		return slices.ContainsFunc(s.Ingress, func(r networkingv1.NetworkPolicyIngressRule) bool {
			return n.anyPeer(r.From, from) && anyPort(r.Ports, to, port, protocol)
		})
	})
}

// passes is true where no policy of the direction selects the pod, or one of those lets it pass.
func (n network) passes(p peer, direction networkingv1.PolicyType, allowed func(networkingv1.NetworkPolicySpec) bool) bool {
	selected := false
	for _, policy := range n.policies {
		if p.namespace != namespace || !n.fits(&policy.PodSelector, p.labels) || !slices.Contains(policy.PolicyTypes, direction) {
			continue
		}
		if allowed(policy) {
			return true
		}
		selected = true
	}
	return !selected
}

// anyPeer knows no addresses: an ipBlock fits no pod.
func (n network) anyPeer(peers []networkingv1.NetworkPolicyPeer, p peer) bool {
	return len(peers) == 0 || slices.ContainsFunc(peers, func(by networkingv1.NetworkPolicyPeer) bool {
		if by.IPBlock != nil {
			return false
		}
		inNamespace := p.namespace == namespace
		if by.NamespaceSelector != nil {
			inNamespace = n.fits(by.NamespaceSelector, map[string]string{"kubernetes.io/metadata.name": p.namespace})
		}
		return inNamespace && (by.PodSelector == nil || n.fits(by.PodSelector, p.labels))
	})
}

func (n network) fits(s *metav1.LabelSelector, set map[string]string) bool {
	n.t.Helper()
	selector, err := metav1.LabelSelectorAsSelector(s)
	if err != nil {
		n.t.Fatal(err)
	}
	return selector.Matches(labels.Set(set))
}

func anyPort(ports []networkingv1.NetworkPolicyPort, to peer, port string, protocol corev1.Protocol) bool {
	return len(ports) == 0 || slices.ContainsFunc(ports, func(p networkingv1.NetworkPolicyPort) bool {
		of := corev1.ProtocolTCP
		if p.Protocol != nil {
			of = *p.Protocol
		}
		return of == protocol && (p.Port == nil || *p.Port == intstr.FromString(port) || *p.Port == intstr.FromInt32(to.ports[port]))
	})
}
