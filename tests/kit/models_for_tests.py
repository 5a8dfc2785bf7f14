"""Small models built through the OpenSim API that exercise what the gait model leaves idle."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from exogait.models.opensim_api import import_opensim


def _vec3(values):
    osim = import_opensim()
    return osim.Vec3(*(float(v) for v in values))


def _body(osim, rng, name):
    inertia = osim.Inertia(*(0.02 + 0.03 * rng.random(3) * 0.3).tolist(), *(0.003 * rng.normal(size=3)).tolist())
    return osim.Body(name, 1.0 + rng.random(), _vec3(0.05 * rng.normal(size=3)), inertia)


def _spline(osim, rng, kind="SimmSpline", n=6):
    function = getattr(osim, kind)()
    for x in np.linspace(-1.2, 1.1, n):
        function.addPoint(float(x), float(0.3 * np.sin(2 * x) + 0.05 * rng.normal()))
    return function


def joint_zoo(path: Path, *, seed: int = 0) -> Path:
    """Every supported joint and function kind, offset frames turned and shifted, branches, and Simbody's two habits."""
    osim = import_opensim()
    rng = np.random.default_rng(seed)
    model = osim.Model()
    model.setName("joint_zoo")
    model.setGravity(_vec3([0.3, -9.7, 0.5]))

    def place():
        return _vec3(0.2 * rng.normal(size=3)), _vec3(0.4 * rng.normal(size=3))

    def add(kind, name, parent, *arguments):
        body = _body(osim, rng, f"{name}_body")
        model.addBody(body)
        joint = getattr(osim, kind)(name, parent, *place(), body, *place(), *arguments)
        model.addJoint(joint)
        for i in range(joint.numCoordinates()):
            coordinate = joint.upd_coordinates(i)
            if kind != "CustomJoint":
                coordinate.setName(f"{name}_{i}")
            coordinate.setRangeMin(-1.0)
            coordinate.setRangeMax(1.0)
        return body

    def transform(functions, axes):
        spatial = osim.SpatialTransform()
        for k, (names, function) in enumerate(functions):
            axis = spatial.updTransformAxis(k)
            labels = osim.ArrayStr()
            for name in names:
                labels.append(name)
            axis.setCoordinateNames(labels)
            axis.setAxis(_vec3(axes[k]))
            axis.set_function(function)
        return spatial

    def skewed():
        return np.eye(3)[[0, 1, 2, 0, 1, 2]] + 0.2 * rng.normal(size=(6, 3))

    free = add("FreeJoint", "free", model.getGround())
    pin = add("PinJoint", "pin", free)
    add("WeldJoint", "weld", pin)
    add("SliderJoint", "slide", pin)
    universal = add("UniversalJoint", "universal", free)
    add("GimbalJoint", "gimbal", universal)

    line, constant = osim.LinearFunction(1.3, 0.1), osim.Constant(0.0)
    polynomial = osim.PolynomialFunction(osim.Vector.createFromMat(np.array([0.2, -0.1, 0.4, 0.05])))
    inner = _spline(osim, rng)
    inner.thisown = False
    scaled = osim.MultiplierFunction(inner, 1.4)
    names = [["c_0"], ["c_1"], ["c_1"], ["c_0"], ["c_1"], ["c_2"]]
    functions = [line, _spline(osim, rng), scaled, polynomial, _spline(osim, rng, "PiecewiseLinearFunction"), line]
    custom = add("CustomJoint", "custom", free, transform(zip(names, functions, strict=True), skewed()))

    # One coordinate on all three rotations: Simbody's Hdot is not the derivative of its H.
    names = [["w_0"], ["w_0"], ["w_0"], [], ["w_0"], []]
    functions = [_spline(osim, rng), _spline(osim, rng), line, osim.Constant(0.03), _spline(osim, rng), constant]
    walker = add("CustomJoint", "walker", custom, transform(zip(names, functions, strict=True), skewed()))

    # A constant rotation before a moving one: Simbody's H does not know of it.
    names = [[], ["k_0"], ["k_1"], [], [], []]
    functions = [osim.Constant(0.4), line, osim.LinearFunction(1.0, 0.0), constant, osim.Constant(-0.02), constant]
    add("CustomJoint", "constant", walker, transform(zip(names, functions, strict=True), skewed()))
    model.finalizeConnections()
    model.printToXML(str(path))
    return path


def perturbed(source: Path, path: Path, *, seed: int = 3) -> Path:
    """A copy of a model: offset frames turned and shifted, skewed translations, products of inertia.

    Scaled functions.
    """
    osim = import_opensim()
    rng = np.random.default_rng(seed)
    model = osim.Model(str(source))
    model.finalizeConnections()
    for component in model.getComponentsList():
        if component.getConcreteClassName() == "PhysicalOffsetFrame":
            frame = osim.PhysicalOffsetFrame.safeDownCast(component)
            frame.set_orientation(_vec3(0.2 * rng.normal(size=3)))
            old = frame.get_translation()
            frame.set_translation(_vec3([old.get(i) + 0.01 * rng.normal() for i in range(3)]))
    joints = model.getJointSet()
    for i in range(joints.getSize()):
        joint = osim.CustomJoint.safeDownCast(joints.get(i))
        if joint is None:
            continue
        for k in range(6):
            axis = joint.updSpatialTransform().updTransformAxis(k)
            if k >= 3:
                # Rotation axes stay: skewed, they would bring the joints nearer to where three angles are singular.
                old = axis.getAxis()
                axis.setAxis(_vec3([old.get(j) + 0.1 * rng.normal() for j in range(3)]))
            if axis.getFunction().getConcreteClassName() == "SimmSpline":
                inner = axis.getFunction().clone()
                inner.thisown = False
                axis.set_function(osim.MultiplierFunction(inner, 1.1))
    bodies = model.getBodySet()
    for i in range(bodies.getSize()):
        body = bodies.get(i)
        moments = [body.getInertia().getMoments().get(k) for k in range(3)]
        products = 0.1 * min(moments) * rng.uniform(-1, 1, 3)
        body.set_inertia(osim.Vec6(*moments, *(float(p) for p in products)))
        centre = body.get_mass_center()
        body.set_mass_center(_vec3([centre.get(k) + 0.01 * rng.normal() for k in range(3)]))
    for component in model.getComponentsList():
        if component.getConcreteClassName() == "MovingPathPoint":
            point = osim.MovingPathPoint.safeDownCast(component)
            for letter in "xyz":
                inner = getattr(point, f"get_{letter}_location")().clone()
                inner.thisown = False
                getattr(point, f"set_{letter}_location")(osim.MultiplierFunction(inner, 1.05))
    model.finalizeConnections()
    model.printToXML(str(path))
    return path


def compliant(source: Path, path: Path) -> Path:
    """A copy of a model whose muscles all have a compliant tendon."""
    osim = import_opensim()
    model = osim.Model(str(source))
    muscles = model.getMuscles()
    for i in range(muscles.getSize()):
        muscle = osim.DeGrooteFregly2016Muscle.safeDownCast(muscles.get(i))
        muscle.set_ignore_tendon_compliance(False)
        muscle.set_tendon_compliance_dynamics_mode("explicit")
    model.finalizeConnections()
    model.printToXML(str(path))
    return path


def constrained(path: Path, *, seed: int = 5) -> Path:
    """Branches with ball and planar joints, locked and prescribed coordinates, and a chain of couplers across them."""
    osim = import_opensim()
    rng = np.random.default_rng(seed)
    model = osim.Model()
    model.setName("constrained")
    model.setGravity(_vec3([0.4, -9.7, 0.2]))
    coordinates = {}

    def add(kind, name, parent):
        body = _body(osim, rng, f"{name}_body")
        model.addBody(body)
        places = [_vec3(0.2 * rng.normal(size=3)) for _ in range(4)]
        joint = getattr(osim, kind)(name, parent, *places[:2], body, *places[2:])
        model.addJoint(joint)
        for i in range(joint.numCoordinates()):
            coordinate = joint.upd_coordinates(i)
            coordinate.setName(f"{name}_{i}")
            coordinate.setRangeMin(-1.0)
            coordinate.setRangeMax(1.0)
            coordinates[coordinate.getName()] = coordinate
        return body

    root = add("FreeJoint", "free", model.getGround())
    add("PlanarJoint", "plane", add("BallJoint", "ball", root))
    right = add("PinJoint", "pin", add("GimbalJoint", "gimbal", root))
    tip = add("SliderJoint", "slide", add("PinJoint", "finger", right))
    add("PinJoint", "nail", tip)
    model.finalizeConnections()
    coordinates["free_4"].set_locked(True)
    coordinates["free_4"].setDefaultValue(0.3)
    coordinates["gimbal_1"].setDefaultValue(-0.2)
    coordinates["gimbal_1"].set_locked(True)
    swing = osim.PolynomialFunction(osim.Vector.createFromMat(np.array([0.7, -0.5, 0.3, 0.1])))
    for name, function in (("plane_1", _spline(osim, rng)), ("finger_0", swing)):
        coordinates[name].setPrescribedFunction(function)
        coordinates[name].set_prescribed(True)
    couplers = (
        # A chain over three joints, of which the middle one is named first, and one that follows a prescribed motion.
        ("slide_0", "plane_0", _spline(osim, rng), 0.7),
        ("nail_0", "slide_0", osim.LinearFunction(1.4, 0.2), 1.0),
        ("plane_2", "finger_0", _spline(osim, rng), -1.2),
    )
    for dependent, independent, function, scale in couplers:
        coupler = osim.CoordinateCouplerConstraint()
        coupler.setName(f"{dependent}_coupler")
        names = osim.ArrayStr()
        names.append(independent)
        coupler.setIndependentCoordinateNames(names)
        coupler.setDependentCoordinateName(dependent)
        coupler.setFunction(function)
        osim.PropertyHelper.setValueDouble(scale, coupler.updPropertyByName("scale_factor"))
        coupler.thisown = False
        model.addConstraint(coupler)
    model.finalizeConnections()
    model.printToXML(str(path))
    return path


def with_hills(source: Path, path: Path, *, rigid: bool) -> Path:
    """A copy of a model with Millard or Thelen muscles whose curves, damping and pennation differ from the defaults.

    Every second Millard tendon is rigid, or every one.
    """
    osim = import_opensim()
    rng = np.random.default_rng(7)
    model = osim.Model(str(source))
    model.finalizeConnections()
    muscles = model.getMuscles()
    for i in range(muscles.getSize()):
        muscle = muscles.get(i)
        muscle.set_pennation_angle_at_optimal(float(rng.choice([0.0, 0.2, 0.5])))
        millard = osim.Millard2012EquilibriumMuscle.safeDownCast(muscle)
        if millard is None:
            thelen = osim.Thelen2003Muscle.safeDownCast(muscle)
            for name, value in (("Af", 0.3), ("Flen", 1.6), ("KshapeActive", 0.5), ("FmaxTendonStrain", 0.05)):
                getattr(thelen, f"set_{name}")(value * float(rng.uniform(0.9, 1.1)))
            continue
        millard.set_ignore_tendon_compliance(rigid or i % 2 == 0)
        millard.set_fiber_damping(float(rng.uniform(0.02, 0.2)))
        millard.set_maximum_pennation_angle(1.3)
        millard.upd_ActiveForceLengthCurve().set_max_norm_active_fiber_length(float(rng.uniform(1.6, 1.9)))
        millard.upd_FiberForceLengthCurve().set_strain_at_one_norm_force(float(rng.uniform(0.5, 0.7)))
        millard.upd_TendonForceLengthCurve().set_strain_at_one_norm_force(float(rng.uniform(0.03, 0.1)))
        millard.upd_ForceVelocityCurve().set_max_eccentric_velocity_force_multiplier(float(rng.uniform(1.3, 1.7)))
    model.finalizeFromProperties()
    model.finalizeConnections()
    model.printToXML(str(path))
    return path


def wrapping(path: Path, *, seed: int = 0) -> Path:
    """Three turning bodies and paths of two to four points over one to three cylinders and spheres.

    Every quadrant, ranges, conditional and moving points, an object that is not active, and objects that two paths
    share; what lies where is drawn by chance.
    """
    osim = import_opensim()
    rng = np.random.default_rng(seed)
    model = osim.Model()
    model.setName("wrapping")
    bodies = [model.getGround()]
    for k in range(3):
        body = _body(osim, rng, f"body_{k}")
        model.addBody(body)
        shift = osim.Vec3(0.0, -0.3, 0.0)
        joint = osim.GimbalJoint(f"joint_{k}", bodies[-1], shift, _vec3(0.4 * rng.normal(size=3)), body, osim.Vec3(0),
                                 _vec3(0.4 * rng.normal(size=3)))  # fmt: skip
        for i in range(3):
            joint.upd_coordinates(i).setName(f"c_{k}_{i}")
            joint.upd_coordinates(i).setRangeMin(-1.2)
            joint.upd_coordinates(i).setRangeMax(1.2)
        model.addJoint(joint)
        bodies.append(body)

    surfaces = []
    for k, quadrant in enumerate("all x -x y -y z -z all all all all y -z all x -y".split()):
        surface = osim.WrapSphere() if k > 9 else osim.WrapCylinder()
        surface.setName(f"surface_{k}")
        surface.set_quadrant(quadrant)
        surface.set_radius(float(rng.uniform(0.03, 0.08)))
        if k < 10:
            surface.set_length(float(rng.uniform(0.1, 0.4)))
        surface.set_active(k != 9)
        surface.set_xyz_body_rotation(_vec3(rng.normal(size=3)))
        surface.set_translation(_vec3([0.05, -0.1, 0.05] * rng.normal(size=3)))
        bodies[1 + k % 2].addWrapObject(surface)
        surfaces.append(surface)
    model.finalizeConnections()
    for m in range(40):
        muscle = osim.DeGrooteFregly2016Muscle()
        muscle.setName(f"muscle_{m}")
        muscle.set_ignore_tendon_compliance(True)
        muscle.set_max_isometric_force(500.0)
        muscle.set_ignore_passive_fiber_force(True)
        muscle.set_tendon_slack_length(0.2)
        model.addForce(muscle)
        points = 2 + m % 3
        for k, b in enumerate(np.linspace(0, 3, points).round().astype(int)):
            place = _vec3([0.12, 0.05, 0.12] * rng.normal(size=3))
            if points == 4 and k == 1:
                point = osim.ConditionalPathPoint()
                point.setCoordinate(model.getCoordinateSet().get("c_1_0"))
                point.set_range(0, -2.0)
                point.set_range(1, 0.0)
                point.set_location(place)
            elif m == 2 and k == 0:
                point = osim.MovingPathPoint()
                for letter in "xyz":
                    getattr(point, f"set{letter.upper()}Coordinate")(model.getCoordinateSet().get("c_0_1"))
                    getattr(point, f"set_{letter}_location")(_spline(osim, rng))
            else:
                point = osim.PathPoint()
                point.set_location(place)
            point.setName(f"muscle_{m}_{k}")
            point.setParentFrame(bodies[b])
            muscle.updGeometryPath().updPathPointSet().adoptAndAppend(point)
        for number in rng.choice(len(surfaces), 1 + (m % 5 > 1) + (m % 7 > 4), replace=False).tolist():
            muscle.updGeometryPath().addPathWrap(surfaces[number])
            wraps = muscle.updGeometryPath().getWrapSet()
            wraps.get(wraps.getSize() - 1).set_method(("hybrid", "midpoint", "axial")[m % 3])
        if points == 4 and m % 2:
            wrap = muscle.updGeometryPath().getWrapSet().get(0)
            wrap.set_range(0, 2)
            wrap.set_range(1, 4)
    model.finalizeConnections()
    model.printToXML(str(path))
    return path


def on_floors(path: Path, *, seed: int = 0) -> Path:
    """A free body and a foot that hinges on it, both with HuntCrossleyForce spheres on a floor that is welded askew."""
    osim = import_opensim()
    rng = np.random.default_rng(seed)
    model = osim.Model()
    model.setName("on_floors")
    slab, trunk, foot = (_body(osim, rng, name) for name in ("slab", "trunk", "foot"))
    zero, tilt = osim.Vec3(0), osim.Vec3(0.1, 0.2, 0.05)
    joints = (
        osim.WeldJoint("weld", model.getGround(), osim.Vec3(0.1, 0.02, 0.0), tilt, slab, zero, osim.Vec3(0.02, 0, 0.1)),
        osim.FreeJoint("free", model.getGround(), zero, zero, trunk, zero, zero),
        osim.PinJoint("ankle", trunk, osim.Vec3(0, -0.2, 0), zero, foot, zero, zero),
    )
    for body, joint in zip((slab, trunk, foot), joints, strict=True):
        model.addBody(body)
        for i in range(joint.numCoordinates()):
            joint.upd_coordinates(i).setName(f"{joint.getName()}_{i}")
            joint.upd_coordinates(i).setRangeMin(-0.6)
            joint.upd_coordinates(i).setRangeMax(0.6)
        model.addJoint(joint)
    floor = osim.ContactHalfSpace(osim.Vec3(0, 0.01, 0), osim.Vec3(0, 0, -0.5 * np.pi), slab)
    floor.setName("floor")
    model.addContactGeometry(floor)
    for k, body in enumerate((trunk, foot, foot, foot)):
        name = f"ball_{k}"
        ball = osim.ContactSphere(float(rng.uniform(0.02, 0.05)), _vec3([0.1, 0.02, 0.1] * rng.normal(size=3)), body)
        ball.setName(name)
        model.addContactGeometry(ball)
        force = osim.HuntCrossleyForce()
        force.setName(f"contact_{k}_{'rl'[k % 2]}")
        for geometry in (name, "floor") if k % 2 else ("floor", name):
            force.addGeometry(geometry)
        force.setStiffness(float(rng.uniform(1e5, 1e7)))
        force.setDissipation(float(rng.choice([0.0, 0.5, 2.0])))
        force.setStaticFriction(0.8)
        force.setDynamicFriction(0.4 if k else 0.0)
        force.setViscousFriction(0.3)
        force.setTransitionVelocity(0.1)
        force.thisown = False
        model.addForce(force)
    model.finalizeConnections()
    model.printToXML(str(path))
    return path
